/**
 * Writes fresh `.rai` files: new ones, a version 1 file's successor, a rotation.
 * Results are plain objects with the keys in clear, to be written to files of mode 0600.
 */

/** What a new file says. */
export interface CreateRaiOptions {
  method: 'aes' | 'ecc';
  /** URL of the relay with its base path. */
  relay: string;
  /** Issuer name; default `default`. */
  iss?: string;
  /** Relay id; default the host of `relay`. */
  aud?: string;
  /** `pair` (default): one file each. `shared`: one file for both sides, `aes` only. */
  role?: 'pair' | 'shared';
  /** The relay's `allow`, as it stands in the file; default none written. */
  allow?: object;
  /** Seconds; for tests. */
  now?: number;
}

/** A file for the backend and one for the relay. */
export interface RaiPair {
  issuer: object;
  relay: object;
}

/** Fresh keys in one or two files. Throws RaiError for a bad relay URL or name. */
export function createRai(options: CreateRaiOptions & { role: 'shared' }): { shared: object };
export function createRai(options: CreateRaiOptions & { role?: 'pair' }): RaiPair;
export function createRai(options: CreateRaiOptions): RaiPair | { shared: object };
export function createRai(_options: CreateRaiOptions): RaiPair | { shared: object } {
  throw new Error('not built yet');
}

/** A version 2 pair with fresh keys for what a version 1 file described; its key is not carried over. Throws RaiError. */
export function upgradeRai(_v1: string | Uint8Array | object, _options?: Partial<CreateRaiOptions>): RaiPair {
  throw new Error('not built yet');
}

/** How a rotation goes. */
export interface RotateRaiOptions {
  /** Seconds now. */
  now: number;
  /** Time the issuers get to switch before the old key's last tokens are counted; default 86,400. */
  graceSeconds?: number;
  /** `ecc`: which keys; default both. */
  parts?: 'enc' | 'sig' | 'both';
}

/** New key in as `active`, old ones to `accept` with an `until`. A shared file goes in as `relay` alone. Throws RaiError. */
export function rotateRai(
  _relay: object,
  _issuer: object | null,
  _options: RotateRaiOptions,
): { relay: object; issuer: object | null } {
  throw new Error('not built yet');
}
