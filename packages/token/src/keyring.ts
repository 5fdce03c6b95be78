/**
 * The keys a relay has loaded, by `kid`, imported once (token spec §4 step 5, §7).
 * Immutable: a reload makes another keyring with another generation.
 */
import type { Problem } from './errors.ts';
import type { KeyStatus } from './keys.ts';
import type { RaiFile } from './rai.ts';

/** What may be shown of a loaded key. */
export interface KeyEntry {
  kid: string;
  /** Absent for a relay's `ecc` encryption key, which serves all issuers of its file. */
  iss?: string;
  method: 'aes' | 'ecc';
  status: KeyStatus;
  /** Seconds. */
  until?: number;
  fileName: string;
}

/** A set of keys that tokens are opened against. */
export interface Keyring {
  readonly generation: number;
  /** Every key id, encryption and signing. */
  readonly kids: readonly string[];
  readonly issuers: readonly string[];
  readonly entries: readonly KeyEntry[];
}

/** A keyring, and the files that are not in it. */
export interface KeyringResult {
  keyring: Keyring;
  rejected: readonly { name: string; problems: readonly Problem[] }[];
}

/** Imports all files. A file that names a loaded `kid` or `iss`, or is an issuer's, is rejected alone. */
export function createKeyring(
  _files: readonly { name: string; file: RaiFile }[],
  _options: { generation: number },
): Promise<KeyringResult> {
  throw new Error('not built yet');
}
