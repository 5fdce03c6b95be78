/** What routing may be told. The file keys stand in config's `vault` and `upstream` groups. */
import type { Limits, Secret } from 'relayapi-token';

/** A key that stays at the relay. */
export interface VaultEntry {
  /** Provider the credential belongs to, by id or alias; a token must name the same one. */
  readonly provider: string;
  /** The credential's parts; a plain key is `{ key }`. */
  readonly credential: Readonly<Record<string, Secret>>;
  /** Variables of the provider's host and roots, all of them: a token that names this key names none. */
  readonly vars?: Readonly<Record<string, string>> | undefined;
  /** Models and paths this key may be used for, on top of the token's own claims. */
  readonly models?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
  /** Ceilings of every token that names this key; the policy lays them over the token's own. */
  readonly limits?: { readonly [K in keyof Limits]?: Limits[K] | undefined } | undefined;
}

/** Options of the routing stage. */
export interface RoutingOptions {
  /** `host:port` pairs that may be private addresses (`upstream.allow_private`). Each opens that one place to every token whose provider stands there. Default none. */
  readonly allowPrivate?: readonly string[];
  /** False where addresses cannot be checked at dial time (fetch runtimes): a token's `base` is then refused. Default true. */
  readonly allowBase?: boolean;
}
