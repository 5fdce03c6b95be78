/** What one registry entry says: hosts, credential, roots, endpoints, header and query rules. Data only; a vendor is never code. */
import type { HeaderList } from '../io.ts';

/** The body and error language an endpoint speaks. */
export type DialectName =
  | 'openai-chat'
  | 'openai-responses'
  | 'anthropic-messages'
  | 'gemini'
  | 'deepl'
  | 'opaque';

/** How the real credential is put into the upstream request. `{field}` in a template names a credential field; `{key}` is the single-part key. */
export type AuthScheme =
  | { readonly kind: 'header'; readonly name: string; readonly template: string }
  | { readonly kind: 'none' };

/** A place where a request names a model. `body` pointers are JSON member names with `*` for "each array item" and `**` for any depth. */
export type ModelPlace =
  | { readonly in: 'body'; readonly at: readonly string[] }
  | { readonly in: 'path'; readonly segment: string }
  | { readonly in: 'query'; readonly name: string }
  | { readonly in: 'form'; readonly name: string };

/** How a feature (token.md §5 `features`) shows in a body: the member exists, or exists with a telling value. */
export interface FeatureRule {
  readonly feature: string;
  /** Member names from the top; `*` stands for each array item, `**` for any depth (none included). */
  readonly at: readonly string[];
  /** `present`: any value but null; `true`: only the literal true; `above-one`: a number over 1; `not`: any value but null and the listed strings; `is`: one of the listed strings. */
  readonly when:
    | 'present'
    | 'true'
    | 'above-one'
    | { readonly not: readonly string[] }
    | { readonly is: readonly string[] };
}

/** One endpoint row. Paths are relative to a root; `{name}` matches one segment, `{model}` one that names a model, a trailing `/*` any rest. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  /** Only under this root (`/v1beta`); absent: under any. */
  readonly root?: string;
  /** `inference` is open by default, `models` is the model list (GET, open by default), `account` needs the `paths` claim and the key file's leave. */
  readonly kind: 'inference' | 'models' | 'account';
  readonly dialect: DialectName;
  readonly body: 'json' | 'multipart' | 'form' | 'any' | 'none';
  /** Every place that names a model; empty: the endpoint names none; null: not known, so refused under `models`. */
  readonly models: readonly ModelPlace[] | null;
  /** Prefix that a body may put before a model's name (`models/`): dropped before names are compared. */
  readonly modelPrefix?: string;
  /** Credential header of this endpoint where it differs from the provider's (an OpenAI-compatible path on another API). */
  readonly auth?: AuthScheme;
  /** Synonym groups for `cap`: pointers of members that mean the same ceiling, e.g. [["max_tokens"],["max_completion_tokens"]]. Keyed by each member's last name. */
  readonly capGroups?: readonly (readonly (readonly string[])[])[];
  readonly features?: readonly FeatureRule[];
}

/** One provider. */
export interface Provider {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly name: string;
  /** Origin template, e.g. `https://{resource}.openai.azure.com`. */
  readonly origin: string;
  /** Pattern that each variable of `origin` must match (anchored). */
  readonly vars: Readonly<Record<string, string>>;
  /** Another origin for keys that match a pattern (DeepL `:fx`). */
  readonly originByKey: readonly { readonly pattern: string; readonly origin: string }[];
  /** API roots (`/v1beta`, `/v1`), the first is the default. `''` for none. */
  readonly roots: readonly string[];
  /** Names of the credential's parts; `['key']` for a plain key. */
  readonly credentialFields: readonly string[];
  readonly auth: AuthScheme;
  /** Sent when the caller did not send that header itself. */
  readonly defaultHeaders: HeaderList;
  /** Provider-specific request headers that are passed on, lower case; a trailing `*` matches a prefix. */
  readonly passHeaders: readonly string[];
  /** Query names that are passed on. */
  readonly passQuery: readonly string[];
  /** Response header that carries the provider's request id. */
  readonly requestIdHeader: string | null;
  readonly endpoints: readonly Endpoint[];
  /** True when closing the connection stops the bill, false when not, null when not known. */
  readonly abortStopsBilling: boolean | null;
  /** Regular expressions of keys that must not be sealed (admin keys), with the reason. */
  readonly refusedKeys: readonly { readonly pattern: string; readonly reason: string }[];
  /** True when answers pass without the search for the key: the registry's own hosts, or `"trusted": true` in config. */
  readonly trusted: boolean;
  /** Which field of the entry is backed by a source, when, and by what. */
  readonly asOf: string;
  readonly sources: readonly string[];
}

/** The registry as the stages see it. */
export interface ProviderCatalog {
  /** By id or alias; null when absent. */
  find(name: string): Provider | null;
  /** The entry as reached at another base URL, untrusted; null when the URL is not in a form that every program reads alike. */
  at(provider: Provider, base: string): Provider | null;
  readonly ids: readonly string[];
}

/** Query names that are dropped whatever an entry says, lower case: they carry credentials (behaviour §5). */
export const NEVER_PASSED_QUERY: ReadonlySet<string> = new Set(['key', 'api_key', 'token', 'access_token']);
