/**
 * The keys of config.json as a flat list, read off the schema: dotted name, environment name, type, default, bounds, notes.
 * The one source for environment variables, dotted flags, nearest names and docs/options.md.
 */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** A JSON Schema node, as zod exports it, with our own notes in it. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly description?: string;
  readonly unit?: string;
  readonly security?: string;
}

/** One key. */
export interface ConfigKey {
  /** `server.port`. */
  readonly name: string;
  readonly path: readonly string[];
  /** `RELAYAPI_SERVER_PORT`. */
  readonly env: string;
  readonly node: SchemaNode;
  /** Type names without `null`. */
  readonly types: readonly string[];
  readonly nullable: boolean;
}

/** The schema as JSON Schema, input side (defaults not yet filled in), with our notes in it. */
export const CONFIG_JSON_SCHEMA = z.toJSONSchema(configSchema, { io: 'input' }) as unknown as SchemaNode;

function typesOf(node: SchemaNode): string[] {
  const branches = node.anyOf ?? node.oneOf;
  if (branches) return [...new Set(branches.flatMap(typesOf))];
  if (node.enum) return ['string'];
  return node.type === undefined ? [] : ([node.type].flat() as string[]);
}

function describeKey(path: readonly string[], node: SchemaNode): ConfigKey {
  const types = typesOf(node);
  return {
    name: path.join('.'),
    path,
    env: `RELAYAPI_${path.join('_').toUpperCase()}`,
    node,
    types: types.filter((type) => type !== 'null'),
    nullable: types.includes('null'),
  };
}

function collect(node: SchemaNode, path: readonly string[]): ConfigKey[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const at = [...path, name];
    return child.properties ? collect(child, at) : [describeKey(at, child)];
  });
}

/** Every key that can be set, in the order of the file; `$schema` is none. Maps (`providers`, `vault`) are one key. */
export const CONFIG_KEYS: readonly ConfigKey[] = collect(CONFIG_JSON_SCHEMA, []).filter(
  (key) => key.name !== '$schema',
);
