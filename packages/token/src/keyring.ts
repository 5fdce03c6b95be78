/**
 * The keys a relay has loaded, by `kid`, imported once (token spec §4 step 5, §7).
 * Immutable: a reload makes another keyring with another generation.
 */
import { decodeBase64Url } from './bytes.ts';
import type { Problem } from './errors.ts';
import type { EcPrivateKey, EcPublicKey, KeyLife, KeyStatus, OctKey } from './keys.ts';
import type { Allow, Revoke } from './rai-allow.ts';
import type { AesRelayFile, AesSharedFile, EccRelayFile, RaiFile } from './rai-file.ts';

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

/** What opening and judging need to know of the issuer behind a key. */
export interface IssuerEntry {
  iss: string;
  aud: string;
  allow: Allow;
  revoke: Revoke;
}

/** A key that tokens name in their outer header. */
export interface OuterKey {
  entry: KeyEntry;
  /** Non-extractable, imported once. */
  key: CryptoKey;
  /** The file's own key, for an opener that imports it elsewhere: a platform may not turn a non-extractable key into its own kind. */
  jwk: OctKey | EcPrivateKey;
  /** Tells the files of one keyring apart, whatever their names. */
  origin: object;
  aud: string;
  /** `aes`: whose key it is. `ecc`: null, the signature says. */
  issuer: IssuerEntry | null;
}

/** A key that `ecc` tokens are signed with. */
export interface SignerKey {
  entry: KeyEntry;
  key: CryptoKey;
  jwk: EcPublicKey;
  origin: object;
  issuer: IssuerEntry;
}

/** The lookups behind a keyring. Maps, so that no name reaches a prototype. */
export interface KeyringState {
  outer: Map<string, OuterKey>;
  signers: Map<string, SignerKey>;
  issuers: Set<string>;
}

const states = new WeakMap<Keyring, KeyringState>();

/** The lookups of a keyring made here; anything else is a bug and throws. */
export function stateOf(keyring: Keyring): KeyringState {
  const state = states.get(keyring);
  if (state === undefined) throw new TypeError('not a keyring of createKeyring');
  return state;
}

/** Imports all files. A file that names a loaded `kid` or `iss`, or is an issuer's, is rejected alone. */
export async function createKeyring(
  files: readonly { name: string; file: RaiFile }[],
  options: { generation: number },
): Promise<KeyringResult> {
  const state: KeyringState = { outer: new Map(), signers: new Map(), issuers: new Set() };
  const rejected: { name: string; problems: readonly Problem[] }[] = [];
  for (const { name, file } of files) {
    const problems = await addFile(state, name, file);
    if (problems.length > 0) rejected.push({ name, problems });
  }
  const entries = [...state.outer.values(), ...state.signers.values()].map((key) => Object.freeze(key.entry));
  const keyring: Keyring = Object.freeze({
    generation: options.generation,
    kids: Object.freeze(entries.map((entry) => entry.kid)),
    issuers: Object.freeze([...state.issuers]),
    entries: Object.freeze(entries),
  });
  states.set(keyring, state);
  return { keyring, rejected };
}

/** Adds a whole file or, with problems, nothing of it. */
async function addFile(state: KeyringState, fileName: string, file: RaiFile): Promise<Problem[]> {
  if (file.role === 'issuer') {
    return [
      {
        path: '$.role',
        message: "is an issuer's file, which a relay does not load",
        fix: 'give the relay the file with role "relay" and keep this one with the backend',
      },
    ];
  }
  const problems = findTaken(state, file);
  if (problems.length > 0) return problems;
  try {
    const added = file.method === 'aes' ? await importAes(fileName, file) : await importEcc(fileName, file);
    for (const key of added.outer) state.outer.set(key.entry.kid, key);
    for (const key of added.signers) state.signers.set(key.entry.kid, key);
    for (const iss of added.issuers) state.issuers.add(iss);
    return [];
  } catch {
    // the platform's error could describe key material
    return [
      { path: '$.keys', message: 'holds a key that this platform cannot import', fix: 'make a fresh file' },
    ];
  }
}

function findTaken(state: KeyringState, file: AesRelayFile | AesSharedFile | EccRelayFile): Problem[] {
  const problems: Problem[] = [];
  const fix = 'names are unique over all loaded files: rename it, or remove one of the files';
  const checkKids = (keys: readonly { kid: string }[], path: string): void => {
    keys.forEach((key, i) => {
      if (!state.outer.has(key.kid) && !state.signers.has(key.kid)) return;
      problems.push({ path: `${path}[${i}].kid`, message: `"${key.kid}" is loaded from another file`, fix });
    });
  };
  const checkIss = (iss: string, path: string): void => {
    if (state.issuers.has(iss)) problems.push({ path, message: `"${iss}" is loaded from another file`, fix });
  };
  checkKids(file.keys, '$.keys');
  if (file.method === 'aes') checkIss(file.iss, '$.iss');
  else {
    file.issuers.forEach((issuer, i) => {
      checkIss(issuer.iss, `$.issuers[${i}].iss`);
      checkKids(issuer.keys, `$.issuers[${i}].keys`);
    });
  }
  return problems;
}

interface Added {
  outer: OuterKey[];
  signers: SignerKey[];
  issuers: string[];
}

function describeKey(key: KeyLife, method: 'aes' | 'ecc', fileName: string, iss?: string): KeyEntry {
  return {
    kid: key.kid,
    method,
    status: key.status ?? 'active',
    fileName,
    ...(iss === undefined ? {} : { iss }),
    ...(key.until === undefined ? {} : { until: key.until }),
  };
}

async function importAes(fileName: string, file: AesRelayFile | AesSharedFile): Promise<Added> {
  const { iss, aud, allow, revoke } = file;
  const issuer: IssuerEntry = { iss, aud, allow, revoke };
  const origin = {};
  const outer: OuterKey[] = [];
  for (const jwk of file.keys) {
    const raw = decodeBase64Url(jwk.k.reveal()) as Uint8Array<ArrayBuffer>;
    const key = await crypto.subtle.importKey('raw', raw, 'AES-KW', false, ['unwrapKey']);
    raw.fill(0);
    outer.push({ entry: describeKey(jwk, 'aes', fileName, iss), key, jwk, origin, aud, issuer });
  }
  return { outer, signers: [], issuers: [iss] };
}

async function importEcc(fileName: string, file: EccRelayFile): Promise<Added> {
  const { aud } = file;
  const origin = {};
  const added: Added = { outer: [], signers: [], issuers: [] };
  for (const jwk of file.keys) {
    const { x, y } = jwk;
    const secret = { kty: 'EC', crv: 'P-256', x, y, d: jwk.d.reveal() };
    const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
    const key = await crypto.subtle.importKey('jwk', secret, algorithm, false, ['deriveBits']);
    added.outer.push({ entry: describeKey(jwk, 'ecc', fileName), key, jwk, origin, aud, issuer: null });
  }
  for (const { iss, keys, allow, revoke } of file.issuers) {
    const issuer: IssuerEntry = { iss, aud, allow, revoke };
    added.issuers.push(iss);
    for (const jwk of keys) {
      const { x, y } = jwk;
      const open = { kty: 'EC', crv: 'P-256', x, y };
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
      const key = await crypto.subtle.importKey('jwk', open, algorithm, false, ['verify']);
      added.signers.push({ entry: describeKey(jwk, 'ecc', fileName, iss), key, jwk, origin, issuer });
    }
  }
  return added;
}
