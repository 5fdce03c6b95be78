/**
 * Puts the config together: command line over environment over file over default, then checks it whole.
 * Reads no file and no environment itself; the runtime hands both in.
 */
import { parseStrictJson, StrictJsonError } from 'relayapi-token';
import { adviseOn, checkTogether } from './check-together.ts';
import { CONFIG_JSON_SCHEMA, CONFIG_KEYS, type ConfigKey, type SchemaNode } from './key-list.ts';
import { nearest } from './nearest.ts';
import { type ConfigProblem, type Fault, faultsOf, jsonPath } from './problems.ts';
import { type Config, configSchema } from './schema.ts';

/** Where a config comes from. */
export interface ConfigSources {
  /** The file's name (for messages) and bytes; null without a file. */
  readonly file: { readonly name: string; readonly bytes: Uint8Array } | null;
  /** The environment; only names that begin with `RELAYAPI_` are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Keys set on the command line, by dotted name: `server.port` → `8841`. */
  readonly flags: Readonly<Record<string, string>>;
}

/** A config, everything wrong with its sources, and everything worth saying. */
export interface LoadedConfig {
  /** Usable even when there are problems: faulty keys then have their default, so that the rest of a start can be checked too. */
  readonly config: Config;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

type Tree = { [name: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (node, part) =>
      typeof node === 'object' && node !== null && Object.hasOwn(node, part)
        ? (node as Record<PropertyKey, unknown>)[part]
        : undefined,
    tree,
  );
}

function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const next = Object.hasOwn(tree, name) ? tree[name] : undefined;
  const branch: Tree = isTree(next) ? next : {};
  tree[name] = branch;
  setAt(branch, rest, value);
}

/** Drops what stands at `path`; a list item takes its whole list along, so that indexes keep their meaning. */
function dropAt(tree: Tree, path: readonly PropertyKey[]): boolean {
  const list = path.findIndex((part) => typeof part === 'number');
  const at = list === -1 ? path : path.slice(0, list);
  const owner = valueAt(tree, at.slice(0, -1));
  const name = at.at(-1);
  if (!isTree(owner) || name === undefined || !Object.hasOwn(owner, name)) return false;
  return delete owner[name as string];
}

function schemaAt(path: readonly PropertyKey[]): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>((node, part) => {
    if (node === undefined) return undefined;
    if (typeof part === 'number') return node.items;
    const named = node.properties?.[String(part)];
    if (named) return named;
    return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
  }, CONFIG_JSON_SCHEMA);
}

/** Reads a text (environment, command line) as the type its key has; what does not fit stays a text, for the schema to name. */
function readText(key: ConfigKey, raw: string): unknown {
  const text = raw.trim();
  if (key.nullable && (text === '' || text === 'null')) return null;
  if (key.types.includes('object') || (key.types.includes('array') && text.startsWith('['))) {
    try {
      return parseStrictJson(new TextEncoder().encode(text));
    } catch {
      return raw;
    }
  }
  if (key.types.includes('array')) {
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  if (key.types.includes('boolean')) {
    if (/^(?:true|1|yes|on)$/i.test(text)) return true;
    if (/^(?:false|0|no|off)$/i.test(text)) return false;
  }
  if (key.types.some((type) => type === 'number' || type === 'integer')) {
    return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : raw;
  }
  return raw;
}

function placeOf(bytes: Uint8Array, offset: number): string {
  const before = new TextDecoder().decode(bytes.subarray(0, offset));
  const line = before.split('\n').length;
  return `line ${line}, column ${before.length - before.lastIndexOf('\n')}`;
}

const SYNTAX: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  duplicate: ['the same name stands twice', 'keep one of the two'],
  bom: ['the file begins with a byte order mark', 'save it as UTF-8 without one'],
  utf8: ['the file is not UTF-8', 'save it as UTF-8'],
  depth: ['nested too deeply', 'compare it with config.json of the project'],
  forbidden_name: ['a name that may not be used', 'remove it'],
};

function readFile(file: ConfigSources['file']): { tree: Tree; problems: ConfigProblem[] } {
  if (file === null) return { tree: {}, problems: [] };
  const source = file.name;
  try {
    const tree = parseStrictJson(file.bytes);
    if (isTree(tree)) return { tree: structuredClone(tree), problems: [] };
    const message = 'the file must hold one object in { }';
    return { tree: {}, problems: [{ source, path: '$', message, fix: 'write {} for all defaults' }] };
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    const [message, fix] = SYNTAX[error.reason] ?? [
      'is not JSON',
      'look for a missing comma, quote or bracket there; comments are not JSON',
    ];
    const where = `${message} (${placeOf(file.bytes, error.offset)})`;
    return { tree: {}, problems: [{ source, path: '$', message: where, fix }] };
  }
}

function overlay(
  tree: Tree,
  origins: Map<string, string>,
  texts: readonly { key: ConfigKey; source: string; value: string }[],
): void {
  for (const { key, source, value } of texts) {
    setAt(tree, key.path, readText(key, value));
    origins.set(jsonPath(key.path), source);
  }
}

function envTexts(env: ConfigSources['env']) {
  return CONFIG_KEYS.flatMap((key) => {
    const value = env[key.env];
    // an empty variable is how many tools say "unset"
    return value === undefined || (value === '' && !key.nullable) ? [] : [{ key, source: key.env, value }];
  });
}

function strayVariables(env: ConfigSources['env']): ConfigProblem[] {
  const names = CONFIG_KEYS.map((key) => key.env);
  const groups = [...new Set(CONFIG_KEYS.map((key) => `RELAYAPI_${key.path[0]?.toUpperCase()}_`))];
  return Object.keys(env)
    .filter((name) => !names.includes(name) && groups.some((group) => name.startsWith(group)))
    .map((name) => {
      const near = nearest(name, names);
      const message = near ? `no key has this name; did you mean ${near}?` : 'no key has this name';
      return { source: name, path: '$', message, fix: 'rename or unset it' };
    });
}

/** Names of keys, for flags: `server.port` → key; null when there is none. */
export function findKey(name: string): ConfigKey | null {
  return CONFIG_KEYS.find((key) => key.name === name) ?? null;
}

/** Puts the sources together and checks the result. Never throws for what a user wrote. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { tree, problems } = readFile(sources.file);
  const origins = new Map<string, string>();
  overlay(tree, origins, envTexts(sources.env));
  overlay(
    tree,
    origins,
    Object.entries(sources.flags).flatMap(([name, value]) => {
      const key = findKey(name);
      return key ? [{ key, source: `-${name}`, value }] : [];
    }),
  );

  const fileName = sources.file?.name ?? 'defaults';
  const sourceOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length -= 1) {
      const origin = origins.get(jsonPath(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return fileName;
  };
  const problemOf = (fault: Fault): ConfigProblem => ({
    source: sourceOf(fault.path),
    path: jsonPath(fault.path),
    message: fault.message,
    fix: serviceLinkFix(sourceOf(fault.path), valueAt(tree, fault.path)) ?? fault.fix,
  });

  const faults = findFaults(tree);
  const repaired = structuredClone(tree);
  for (const fault of faults) dropAt(repaired, fault.path);
  // what is still wrong goes with its whole group, so that there is always something to go on with
  for (const fault of findFaults(repaired)) dropAt(repaired, fault.path.slice(0, 1));
  const config = configSchema.parse(repaired);

  const known = new Set(faults.map((fault) => jsonPath(fault.path)));
  const together = checkTogether(config).filter((fault) => !known.has(jsonPath(fault.path)));
  return {
    config,
    problems: [...problems, ...[...faults, ...together].map(problemOf)],
    warnings: [
      ...adviseOn(config).map(({ path, message, fix = 'remove it or leave it' }) => ({
        source: sourceOf(path),
        path: jsonPath(path),
        message,
        fix,
      })),
      ...strayVariables(sources.env),
    ],
  };
}

function findFaults(tree: Tree): Fault[] {
  const result = configSchema.safeParse(tree);
  if (result.success) return [];
  const faults = result.error.issues.flatMap((issue) =>
    faultsOf(
      issue,
      (path) => Object.keys(schemaAt(path)?.properties ?? {}),
      (path) => valueAt(tree, path),
    ),
  );
  // one place, one problem: the first rule that a value breaks says enough
  const places = new Map(faults.map((fault) => [jsonPath(fault.path), fault] as const).reverse());
  return faults.filter((fault) => places.get(jsonPath(fault.path)) === fault);
}

/** Kubernetes sets `<SERVICE>_PORT=tcp://…` for a Service named after the relay: the one clash people meet. */
function serviceLinkFix(source: string, value: unknown): string | null {
  if (!source.startsWith('RELAYAPI_') || typeof value !== 'string' || !/^tcp:\/\//.test(value)) return null;
  return 'Kubernetes sets this for a Service of that name: set enableServiceLinks: false in the pod, or rename the Service';
}
