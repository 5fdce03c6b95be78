/**
 * Seals tokens with @noble, synchronously, in any JavaScript runtime (token spec §2, §3, §8; RFC 7516, RFC 7518 §4.4, §4.6).
 * Refuses to mint what a relay would refuse to open.
 */
import type { Limits } from './claims.ts';
import type { RaiFile } from './rai.ts';
import type { Secret } from './secret.ts';
import type { JsonValue } from './strict-json.ts';

/** An upstream as it stands in a token. */
export interface MintUpstream {
  provider: string;
  key?: string | Secret;
  credential?: Readonly<Record<string, string | Secret>>;
  vault?: string;
  vars?: Readonly<Record<string, string>>;
  base?: string;
}

/** Claims as plain data, as they stand in a token. Members that are undefined are left out. */
export interface MintClaims {
  iss: string;
  aud: string;
  jti: string;
  iat: number;
  exp: number;
  nbf?: number | undefined;
  sub?: string | undefined;
  cnf?: { jkt: string } | undefined;
  upstream: MintUpstream | readonly MintUpstream[];
  limits?: { readonly [K in keyof Limits]?: Limits[K] | undefined } | undefined;
  models?: readonly string[] | undefined;
  paths?: readonly string[] | undefined;
  features?: readonly string[] | undefined;
  origins?: readonly string[] | undefined;
  ips?: readonly string[] | string | undefined;
  set?: Readonly<Record<string, JsonValue>> | undefined;
  cap?: Readonly<Record<string, number>> | undefined;
  countries?: readonly string[] | undefined;
  replay?: 'nonce' | 'idempotency' | undefined;
  store_down?: 'closed' | 'open' | undefined;
  meta?: JsonValue | undefined;
}

/** A token for these claims. Fills nothing in. Throws MintError naming the claim. */
export function sealToken(_file: RaiFile, _claims: MintClaims): string {
  throw new Error('not built yet');
}
