/** What one entry of config's `providers` may say, as plain data in the file's names. Config checks the shape; the catalog checks the meaning. */
import { defineProvider } from './define.ts';
import { OPENAI_ALL } from './endpoints.ts';
import type { AuthScheme, DialectName, Endpoint, ModelPlace, Provider } from './provider.ts';
import { rebaseProvider } from './rebase.ts';

/** One endpoint row as config writes it. */
export interface EndpointOverride {
  readonly method: string;
  readonly path: string;
  readonly root?: string | undefined;
  readonly kind: Endpoint['kind'];
  readonly dialect: DialectName;
  readonly body: Endpoint['body'];
  readonly models: readonly ModelPlace[] | null;
}

/** One entry of `providers`. A name of the registry is overridden; a new name needs `base_url`, and bearer auth is the default. */
export interface ProviderOverride {
  /** Origin and root (`https://llm.internal:8443/v1`). Overriding it makes the entry untrusted. */
  readonly base_url?: string | undefined;
  readonly name?: string | undefined;
  /** Whether tokens find the entry. Default: as the registry says, and true for a new name and with `base_url`. */
  readonly enabled?: boolean | undefined;
  /** For a new name: the registry entry that it copies; default: bearer auth and OpenAI's endpoints. */
  readonly like?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
  /** All roots, the default first; replaces the one in `base_url`. */
  readonly roots?: readonly string[] | undefined;
  readonly auth?: AuthScheme | undefined;
  readonly credential_fields?: readonly string[] | undefined;
  readonly default_headers?: Readonly<Record<string, string>> | undefined;
  readonly pass_headers?: readonly string[] | undefined;
  readonly pass_query?: readonly string[] | undefined;
  readonly request_id_header?: string | null | undefined;
  readonly endpoints?: readonly EndpointOverride[] | undefined;
  /** Answers pass without the search for the key. */
  readonly trusted?: boolean | undefined;
}

// Only its root counts: a new entry whose base_url has no path gets it, as most OpenAI-compatible servers have it.
const PLAIN_BASE = 'https://localhost/v1';

/** `known` with what the entry says in place. */
export function overrideProvider(known: Provider, override: ProviderOverride): Provider {
  if (override.base_url === undefined) return Object.freeze({ ...known, ...membersOf(override) });
  // whoever names the host answers for it
  const there = { ...rebaseProvider(known, override.base_url), enabled: true };
  return Object.freeze({ ...there, ...membersOf(override) });
}

/** A new entry, a copy of `model` under its own name if one is given. */
export function addProvider(id: string, override: ProviderOverride, model: Provider | null): Provider {
  const base = override.base_url ?? '';
  const plain = { asOf: 'config', sources: ['config.json'] };
  const start = model ?? defineProvider({ ...plain, id, name: id, base: PLAIN_BASE, endpoints: OPENAI_ALL });
  const at = { ...rebaseProvider(start, base), ...plain, id, name: id, aliases: [], enabled: true };
  return Object.freeze({ ...at, ...membersOf(override) });
}

// Only the members that were written: an absent one keeps what the registry or the copied entry says.
function membersOf(override: ProviderOverride): Partial<Provider> {
  const members: { -readonly [K in keyof Provider]?: Provider[K] } = {};
  if (override.trusted !== undefined) members.trusted = override.trusted;
  if (override.auth !== undefined) members.auth = override.auth;
  if (override.name !== undefined) members.name = override.name;
  if (override.enabled !== undefined) members.enabled = override.enabled;
  if (override.aliases !== undefined) members.aliases = override.aliases;
  if (override.roots !== undefined) members.roots = override.roots;
  if (override.endpoints !== undefined) members.endpoints = override.endpoints.map(endpointOf);
  if (override.credential_fields !== undefined) members.credentialFields = override.credential_fields;
  if (override.default_headers !== undefined)
    members.defaultHeaders = Object.entries(override.default_headers);
  if (override.pass_headers !== undefined) members.passHeaders = override.pass_headers;
  if (override.pass_query !== undefined) members.passQuery = override.pass_query;
  if (override.request_id_header !== undefined) members.requestIdHeader = override.request_id_header;
  return members;
}

function endpointOf(row: EndpointOverride): Endpoint {
  const { root, ...rest } = row;
  return root === undefined ? rest : { ...rest, root };
}
