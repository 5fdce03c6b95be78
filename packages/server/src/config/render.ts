/**
 * Writes what others read off the schema: config.json with every default, config.schema.json for editors, docs/options.md.
 * Texts only; scripts/write-config-docs.ts puts them on the disk and a test compares.
 */
import { CONFIG_JSON_SCHEMA, CONFIG_KEYS, type ConfigKey, type SchemaNode } from './key-list.ts';
import { configSchema } from './schema.ts';

/** config.json: every default written out. */
export function renderConfigJson(): string {
  const defaults = configSchema.parse({});
  return `${JSON.stringify({ $schema: './docs/config.schema.json', ...defaults }, null, 2)}\n`;
}

function publish(node: SchemaNode): Record<string, unknown> {
  const { unit, security, ...rest } = node as Record<string, unknown> & SchemaNode;
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) result[name] = publishValue(name, value);
  const notes = [
    node.description,
    unit === undefined ? undefined : `Unit: ${unit}.`,
    security === undefined ? undefined : `Security: ${security}`,
  ].filter((note) => note !== undefined);
  if (notes.length > 0) result['description'] = notes.join(' ');
  return result;
}

function publishValue(name: string, value: unknown): unknown {
  if (name === 'default' || name === 'enum' || name === 'required') return value;
  if (name === 'properties') {
    return Object.fromEntries(
      Object.entries(value as Record<string, SchemaNode>).map(([key, node]) => [key, publish(node)]),
    );
  }
  if (Array.isArray(value)) return value.map((item) => publishValue('', item));
  return typeof value === 'object' && value !== null ? publish(value as SchemaNode) : value;
}

/** docs/config.schema.json: JSON Schema 2020-12, our notes folded into the descriptions. */
export function renderJsonSchema(): string {
  const { $schema, ...schema } = publish(CONFIG_JSON_SCHEMA);
  return `${JSON.stringify({ $schema, title: 'RelayAPI config.json', ...schema }, null, 2)}\n`;
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (value: unknown) => `\`${cell(typeof value === 'string' ? value : JSON.stringify(value))}\``;

function typeText(node: SchemaNode): string {
  if (node.const !== undefined) return code(JSON.stringify(node.const));
  if (node.enum) return node.enum.map((value) => code(value)).join(' or ');
  const branches = node.anyOf ?? node.oneOf;
  if (branches) return [...new Set(branches.map(typeText))].join(' or ');
  const types = [node.type ?? 'object'].flat();
  return types
    .map((type) => {
      if (type === 'integer') return 'whole number';
      if (type === 'boolean') return '`true` or `false`';
      if (type === 'string') return 'text';
      if (type === 'array') return 'list';
      return type;
    })
    .join(' or ');
}

function bounds(node: SchemaNode): string {
  const inner = (node.anyOf ?? []).find((branch) => branch.type !== 'null');
  if (inner) return bounds(inner);
  if (node.minimum !== undefined || node.maximum !== undefined) {
    return `${node.minimum ?? '…'} to ${node.maximum ?? '…'}`;
  }
  if (node.maxItems !== undefined) return `at most ${node.maxItems} items`;
  return '';
}

function keyRow(key: ConfigKey): string {
  const { node } = key;
  const value = node.default === undefined ? '' : code(node.default);
  const kind = [typeText(node), node.unit].filter(Boolean).join(', ');
  const security = node.security === undefined ? '' : ` **Security:** ${node.security}`;
  return `| \`${key.name}\` | ${kind} | ${value} | ${bounds(node)} | ${cell(`${node.description ?? ''}${security}`)} | \`${key.env}\` |`;
}

const HEAD = '| key | type, unit | default | bounds | meaning | environment |\n|---|---|---|---|---|---|';

function entryTable(node: SchemaNode): string {
  const entry = typeof node.additionalProperties === 'object' ? node.additionalProperties : {};
  const rows = Object.entries(entry.properties ?? {}).map(([name, field]) => {
    const security = field.security === undefined ? '' : ` **Security:** ${field.security}`;
    return `| \`${name}\` | ${typeText(field)} | ${cell(`${field.description ?? ''}${security}`)} |`;
  });
  return ['| field | type | meaning |', '|---|---|---|', ...rows].join('\n');
}

const INTRO = `# Options of the relay

Written from the schema by \`node --conditions=relayapi-source packages/server/scripts/write-config-docs.ts\`; a test compares. Do not edit.

\`relayapi-server -rai FILE_OR_FOLDER -config config.json\`. Every key is optional. A value is taken from, in this order: the command line
(\`-server.port 9000\`, any key by its dotted name), the environment (\`RELAYAPI_SERVER_PORT=9000\`; lists separated by commas or as JSON,
\`providers\` and \`vault\` as JSON), the file, the default. An empty variable counts as unset, or as \`null\` where a key may be null.
Names that do not exist are errors, so that a misspelt limit never goes unnoticed. Relative paths start at the working directory.
Times are seconds.

| flag | meaning |
|---|---|
| \`-rai FILE_OR_FOLDER\` | key file, or a folder of them (\`*.rai\`); watched. Without it: \`./default.rai\`, made if absent |
| \`-config FILE\` | config file; without it the defaults hold |
| \`-d\` | debug logging |
| \`-demo\` | adds the demo provider and the try-it page; on loopback only |
| \`-gen HOST:PORT\` | prints a fresh \`.rai\` for a relay at that address, and ends |
| \`-allow-shared\` | lets a key file of role \`shared\` serve on more than loopback. **Security:** such a file can also mint: whoever reads it off the relay can make tokens |
| \`-rai-group-read\` | accepts key and secret files that the group may read (mode 0640, container secrets). **Security:** every process of that group reads the keys |
| \`-help\`, \`-version\` | print and end |

One dash and two both work for every flag. Exit codes: 0 after a clean stop, 2 when something in flags, config or key files keeps it from starting.
`;

/** docs/options.md: every key with environment name, unit, default, bounds and security consequence. */
export function renderOptionsPage(): string {
  const groups = Object.entries(CONFIG_JSON_SCHEMA.properties ?? {}).filter(([name]) => name !== '$schema');
  const parts = groups.map(([name, node]) => {
    const keys = CONFIG_KEYS.filter((key) => key.path[0] === name);
    const table = [HEAD, ...keys.map(keyRow)].join('\n');
    const entry =
      typeof node.additionalProperties === 'object' ? `\n\nFields of each entry:\n\n${entryTable(node)}` : '';
    return `## ${name}\n${node.description ?? ''}\n\n${table}${entry}\n`;
  });
  return [INTRO, ...parts].join('\n');
}
