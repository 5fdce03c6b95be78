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

/**
 * How the real credential is put into the upstream request. `{field}` in a template names a credential field, `{key}` is the single-part
 * key, and `{access_token}` what an exchange gave.
 */
export type AuthScheme =
  | { readonly kind: 'none' }
  | HeaderAuth
  | QueryAuth
  /** RFC 7617: `user` and `password` are templates. */
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | SignedAuth
  | ExchangedAuth;

/** One header line. */
export interface HeaderAuth {
  readonly kind: 'header';
  readonly name: string;
  readonly template: string;
}

/** Query parameters, put behind what the caller asked. */
export interface QueryAuth {
  readonly kind: 'query';
  readonly pairs: readonly { readonly name: string; readonly template: string }[];
  /** Between the pairs. Default `&`. */
  readonly separator?: '&' | ';';
}

/** Made anew for each request, from the credential's parts and what is sent: method, host, path, query, headers and body. */
export interface SignedAuth {
  readonly kind: 'signed';
  /**
   * `aws-sigv4`: parts access_key_id, secret_access_key and, where temporary, session_token. `tencent-tc3`: secret_id, secret_key.
   * `volcengine`: access_key_id, secret_access_key. `oci`: tenancy, user, fingerprint, private_key.
   */
  readonly by: 'aws-sigv4' | 'tencent-tc3' | 'volcengine' | 'oci';
  /** Name of the service in the signature's scope; '' where there is none. */
  readonly service: string;
  /** Region in the scope: a value, or `{region}` from the variables; '' where there is none. */
  readonly region: string;
}

/** A short-lived token that is fetched, or signed, from the credential, used until shortly before its end, and put in as `put` says. */
export interface ExchangedAuth {
  readonly kind: 'exchanged';
  readonly by: ServiceAccountGrant | TokenRequest | SignedToken;
  readonly put: HeaderAuth | QueryAuth;
}

/** RFC 7523: a JWT of a Google service account (parts client_email, private_key) for an access token. */
export interface ServiceAccountGrant {
  readonly kind: 'google-service-account';
  readonly scopes: readonly string[];
}

/** One request to a token endpoint of the provider's. Templates name credential fields and variables. */
export interface TokenRequest {
  readonly kind: 'request';
  readonly method: 'GET' | 'POST';
  /** Origin and path: `https://iam.cloud.ibm.com/identity/token`. */
  readonly url: string;
  readonly query?: readonly (readonly [name: string, template: string])[];
  readonly headers?: readonly (readonly [name: string, template: string])[];
  /** HTTP Basic for the token endpoint. */
  readonly basic?: { readonly user: string; readonly password: string };
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: readonly (readonly [name: string, template: string])[];
  /** Member of the JSON answer that holds the token, and the one with its life in seconds or its end. */
  readonly tokenAt: readonly string[];
  readonly life:
    | { readonly at: readonly string[]; readonly unit: 'seconds' | 'epoch-ms' | 'epoch-seconds' }
    | { readonly seconds: number };
}

/** A JWT that the provider itself verifies: no request. */
export interface SignedToken {
  readonly kind: 'jwt';
  readonly alg: 'HS256' | 'RS256';
  /** Field with the secret (HS256) or the PKCS #8 key in base64 (RS256). */
  readonly secret: string;
  /** Protected header beside `alg`. */
  readonly header: Readonly<Record<string, string>>;
  /** Claims: texts are templates; `{now}` and `{end}` times are numbers in the named unit. */
  readonly claims: Readonly<
    Record<string, string | { readonly time: 'now' | 'end'; readonly plusSeconds?: number }>
  >;
  readonly timesIn: 'seconds' | 'milliseconds';
  readonly lifeSeconds: number;
}

/** A place where a request names a model. `body` pointers are JSON member names with `*` for "each array item" and `**` for any depth. */
export type ModelPlace =
  | { readonly in: 'body'; readonly at: readonly string[] }
  /** `more`: further segments of the name (`owner/name`), those that the row has, joined by `/`. */
  | { readonly in: 'path'; readonly segment: string; readonly more?: readonly string[] }
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

/** A kind of id that the provider gives out for what it keeps: a stored answer, a file, a job. */
export interface IdKind {
  readonly kind: string;
  /** Sealed whenever ids of this other kind are: an answer's items beside the answer. */
  readonly with?: string;
}

/** Where an answer names an id of a kind. */
export interface IdMade {
  readonly kind: string;
  /** Member names from the top of a JSON answer, or of the JSON in one event's data; `*` and `**` as in `ModelPlace`. Strings only; anything else is left. */
  readonly at: readonly string[];
  /** What stands before the id and stays readable: `files/`. A string that does not begin with it names no id. */
  readonly prefix?: string;
}

/**
 * Where a request names an id of a kind. In a body a `prefix` that is a URL leaves URLs of other hosts as they are; any other string at the
 * place has to be a sealed id.
 */
export type IdTaken =
  | { readonly kind: string; readonly in: 'path'; readonly segment: string }
  | { readonly kind: string; readonly in: 'query'; readonly name: string }
  | BodyIdTaken;

/** The place in a JSON body. */
export interface BodyIdTaken {
  readonly kind: string;
  readonly in: 'body';
  readonly at: readonly string[];
  readonly prefix?: string;
  /** A query name with which the body is something else: the bytes of an upload that has begun. */
  readonly unlessQuery?: string;
}

/** An absolute URL in an answer that leads to the provider: in a member, or in a header (lower case). */
export type UrlMade = { readonly at: readonly string[] } | { readonly header: string };

/** Another origin of the provider's, reached under `/~alias` in place of a root: rows say `/~alias` and the root there. */
export interface MoreOrigin {
  readonly alias: string;
  /** May hold variables, as `Provider.origin`. */
  readonly origin: string;
  /** Roots there; `''` for none. */
  readonly roots: readonly string[];
}

/** One endpoint row. Paths are relative to a root; `{name}` matches one segment, `{model}` one that names a model, a trailing `/*` any rest. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  /** Only under this root (`/v1beta`); absent: under any. */
  readonly root?: string;
  /**
   * `inference` is open by default, `models` is the model list (GET, open by default), `job` reads or ends what a call through the same token
   * began (open by default, for its id is sealed: `ids`), `account` needs the `paths` claim and the key file's leave.
   */
  readonly kind: 'inference' | 'models' | 'job' | 'account';
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
  /** Anchored patterns of `{…}` segments, by name: a segment that does not match is not this row's. */
  readonly segments?: Readonly<Record<string, string>>;
  /** Where its answers name ids, where its requests do, and which URLs in its answers lead to the provider. */
  readonly makes?: readonly IdMade[];
  readonly takes?: readonly IdTaken[];
  readonly urls?: readonly UrlMade[];
  /** Response headers, lower case, that are passed on beside those of every answer. */
  readonly answerHeaders?: readonly string[];
  /** What an operator should know before a token opens it. */
  readonly tags?: readonly ('stateful' | 'costly' | 'mints-token')[];
  /** How an answer comes in pieces, where it can. Default: as the dialect does. */
  readonly stream?: 'sse' | 'ndjson' | 'aws-eventstream' | 'binary';
  /** True where no source of the entry shows this path: the dialect has it, or it is generally known. Default false. */
  readonly assumed?: boolean;
}

/** A socket that a provider offers. Data only: the relay does not speak WebSocket yet. */
export interface WebSocketRow {
  /** `wss://…`, with `{model}` and the like. */
  readonly url: string;
  /** How a server is authenticated. */
  readonly serverAuth: string;
  /** How a browser can carry a credential; null where it cannot. */
  readonly browserAuth: string | null;
  /** Seen in a source, not just known. */
  readonly verified: boolean;
}

/** Another form in which a provider takes a credential: told by its fields. */
export interface CredentialForm {
  readonly fields: readonly string[];
  readonly optionalFields?: readonly string[];
  readonly auth: AuthScheme;
}

/** Whether an entry is there to be used. */
export type ProviderStatus = 'active' | 'legacy' | 'unverified' | 'sunset';

/** One provider. */
export interface Provider {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly name: string;
  /** Origin template, e.g. `https://{resource}.openai.azure.com`. */
  readonly origin: string;
  /** Pattern that each variable of `origin` and `roots` must match (anchored). The token or the vault names the values, never the caller. */
  readonly vars: Readonly<Record<string, string>>;
  /** Another origin for keys that match a pattern (DeepL `:fx`). */
  readonly originByKey: readonly { readonly pattern: string; readonly origin: string }[];
  /** API roots (`/v1beta`, `/v1`, `/accounts/{account_id}/v1`), the first is the default. `''` for none. */
  readonly roots: readonly string[];
  /** Further origins, each under its `/~alias`. */
  readonly moreOrigins: readonly MoreOrigin[];
  /** Kinds of ids. Those that a `job` row takes are always sealed, others where the token opens an account row that names one (0033). */
  readonly ids: readonly IdKind[];
  /** Names of the credential's parts; `['key']` for a plain key. */
  readonly credentialFields: readonly string[];
  /** Parts that a credential may leave out. */
  readonly optionalFields: readonly string[];
  readonly auth: AuthScheme;
  /** Other forms of the credential (an API key where a pair of keys is the usual one). No two forms have the same fields. */
  readonly otherCredentials: readonly CredentialForm[];
  /** Sent when the caller did not send that header itself. */
  readonly defaultHeaders: HeaderList;
  /** Always sent, whatever the caller sent; `{name}` stands for a variable. */
  readonly setHeaders: HeaderList;
  /** Provider-specific request headers that are passed on, lower case; a trailing `*` matches a prefix. */
  readonly passHeaders: readonly string[];
  /** Query names that are passed on. */
  readonly passQuery: readonly string[];
  /** Sent when the caller's query has none of that name. */
  readonly defaultQuery: readonly (readonly [name: string, value: string])[];
  /** Always sent, whatever the caller asked. */
  readonly setQuery: readonly (readonly [name: string, value: string])[];
  /** Response header that carries the provider's request id. */
  readonly requestIdHeader: string | null;
  readonly endpoints: readonly Endpoint[];
  /** Known account-wide paths from the origin on (`ANY /v1/organization/*`): never open by default; for documents and tests. Not complete. */
  readonly adminPaths: readonly string[];
  readonly webSockets: readonly WebSocketRow[];
  /** True when a streamed chat answer names its usage only if `stream_options.include_usage` asks for it. */
  readonly needsIncludeUsage: boolean;
  /** True when closing the connection stops the bill, false when not, null when not known. */
  readonly abortStopsBilling: boolean | null;
  /** Keys that must not be sealed beside those of the token package's table (key-forms.ts), as regular expressions with the reason. */
  readonly refusedKeys?: readonly { readonly pattern: string; readonly reason: string }[];
  /** True when it is reached at another base URL than the vendor's own: keys of any form may be for what stands there. */
  readonly ownBase?: boolean;
  /** True when answers pass without the search for the key: the registry's own hosts, or `"trusted": true` in config. */
  readonly trusted: boolean;
  /** `unverified` and `sunset` entries, and those whose host is doubtful, are found only when config says `enabled`. */
  readonly status: ProviderStatus;
  readonly enabled: boolean;
  readonly homepage: string | null;
  /** Environment variable that its own SDKs read the key from. */
  readonly env: string | null;
  /** Which field of the entry is backed by a source, when, and by what. */
  readonly asOf: string;
  readonly sources: readonly string[];
}

/** The registry as the stages see it. */
export interface ProviderCatalog {
  /** By id or alias; null when absent or off. */
  find(name: string): Provider | null;
  /** The entry as reached at another base URL, untrusted; null when the URL is not in a form that every program reads alike. */
  at(provider: Provider, base: string): Provider | null;
  readonly ids: readonly string[];
}

/** Query names that are dropped whatever an entry says, lower case: they carry credentials (behaviour §5). */
export const NEVER_PASSED_QUERY: ReadonlySet<string> = new Set(['key', 'api_key', 'token', 'access_token']);
