/**
 * Writes fresh `.rai` files: new ones, a version 1 file's successor, a rotation (token spec §7).
 * Results are plain objects with the keys in clear, to be written to files of mode 0600.
 */
import { p256 } from '@noble/curves/nist.js';
import { encodeBase64Url, randomBytes } from './bytes.ts';
import { parseUrl } from './claim-rules.ts';
import { type Problem, RaiError } from './errors.ts';
import { findWeakness } from './keys.ts';
import { normaliseRelayUrl, parseRai, readSource } from './rai.ts';
import type { JsonObject } from './rai-problems.ts';
import { isVersion1, readVersion1Relay } from './rai-version1.ts';
import type { JsonValue } from './strict-json.ts';

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
  /** Seconds. Accepted for symmetry with rotation; nothing in a new file depends on it. */
  now?: number;
}

/** A file for the backend and one for the relay. */
export interface RaiPair {
  issuer: object;
  relay: object;
}

/** Fresh keys in one or two files. Throws RaiError for a bad relay URL, name or allow. */
export function createRai(options: CreateRaiOptions & { role: 'shared' }): { shared: object };
export function createRai(options: CreateRaiOptions & { role?: 'pair' }): RaiPair;
export function createRai(options: CreateRaiOptions): RaiPair | { shared: object };
export function createRai(options: CreateRaiOptions): RaiPair | { shared: object } {
  const host = parseUrl(options.relay)?.host;
  if (host === undefined || host === '') {
    throw new RaiError([
      { path: '$.relay', message: 'is not a URL', fix: 'write https://relay.example.com/relayapi/' },
    ]);
  }
  const relay = normaliseRelayUrl(options.relay);
  const names = { aud: options.aud ?? host, iss: options.iss ?? 'default' };
  const allow = options.allow === undefined ? {} : { allow: options.allow };
  if (options.role === 'shared') {
    const key = createOctKey();
    const file = { rai: 2, role: 'shared', method: options.method, relay, ...names, use: key.kid };
    return { shared: checked({ ...file, keys: [{ ...key, status: 'active' }], ...allow }) };
  }
  const pair =
    options.method === 'aes' ? createAesPair(relay, names, allow) : createEccPair(relay, names, allow);
  return { issuer: checked(pair.issuer), relay: checked(pair.relay) };
}

type Names = { aud: string; iss: string };

function createAesPair(relay: string, names: Names, allow: object): RaiPair {
  const key = createOctKey();
  const head = { rai: 2, method: 'aes' };
  return {
    issuer: { ...head, role: 'issuer', relay, ...names, use: key.kid, keys: [key] },
    relay: { ...head, role: 'relay', ...names, keys: [{ ...key, status: 'active' }], ...allow },
  };
}

function createEccPair(relay: string, { aud, iss }: Names, allow: object): RaiPair {
  const encryption = createEcKey('enc');
  const signing = createEcKey('sig');
  const head = { rai: 2, method: 'ecc' };
  const keys = [publicPart(encryption)];
  const issuer = { iss, keys: [{ ...publicPart(signing), status: 'active' }], ...allow };
  return {
    issuer: { ...head, role: 'issuer', relay, aud, iss, use: encryption.kid, keys, sign: signing },
    relay: { ...head, role: 'relay', aud, keys: [{ ...encryption, status: 'active' }], issuers: [issuer] },
  };
}

/** Reads a finished file once, so that none is given out that would not load; printing it as an object shows no key, writing it as JSON does. */
function checked<T extends object>(file: T): T {
  parseRai(file);
  const inspection = Symbol.for('nodejs.util.inspect.custom');
  return Object.defineProperty(file, inspection, { value: () => '[key file]' });
}

function createKid(): string {
  // a kid stands in shells and URLs: none starts with a dash
  for (;;) {
    const kid = encodeBase64Url(randomBytes(6));
    if (!kid.startsWith('-')) return kid;
  }
}

function createOctKey(): JsonObject & { kid: string } {
  for (;;) {
    const bytes = randomBytes(32);
    if (findWeakness(bytes) !== null) continue;
    return { kty: 'oct', kid: createKid(), use: 'enc', alg: 'A256KW', k: encodeBase64Url(bytes) };
  }
}

function createEcKey(use: 'enc' | 'sig'): JsonObject & { kid: string } {
  for (;;) {
    const secret = p256.utils.randomSecretKey();
    if (findWeakness(secret) !== null) continue;
    const point = p256.getPublicKey(secret, false);
    return {
      kty: 'EC',
      crv: 'P-256',
      kid: createKid(),
      use,
      alg: use === 'enc' ? 'ECDH-ES+A256KW' : 'ES256',
      x: encodeBase64Url(point.subarray(1, 33)),
      y: encodeBase64Url(point.subarray(33)),
      d: encodeBase64Url(secret),
    };
  }
}

function publicPart(key: JsonObject & { kid: string }): JsonObject & { kid: string } {
  const { d: _secret, ...open } = key;
  return open as JsonObject & { kid: string };
}

/** A version 2 pair with fresh keys for what a version 1 file described; its key is not carried over. Throws RaiError. */
export function upgradeRai(
  v1: string | Uint8Array | object,
  options: Partial<CreateRaiOptions> = {},
): RaiPair {
  const problems: Problem[] = [];
  const place = { problems, path: '$' };
  const value = readSource(v1, problems);
  const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  if (problems.length === 0 && (object === null || !isVersion1(object))) {
    problems.push({
      path: '$',
      message: 'is not a version 1 file',
      fix: 'give the file that holds "crypto"',
    });
  }
  // a passphrase or a weak key is no obstacle here: the key is replaced
  const found = object === null || problems.length > 0 ? null : readVersion1Relay(object, place);
  const relay = options.relay ?? found;
  if (relay === null || (problems.length > 0 && options.relay === undefined)) throw new RaiError(problems);
  return createRai({ method: 'aes', ...options, relay, role: 'pair' }) as RaiPair;
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

/**
 * New key in as `active`, old ones to `accept` with an `until` after the last token they may have sealed.
 * A shared file goes in as `relay` alone. The results are new objects. Throws RaiError.
 */
export function rotateRai(
  relay: object,
  issuer: object | null,
  options: RotateRaiOptions,
): { relay: object; issuer: object | null } {
  const relaySide = clone(relay);
  const issuerSide = issuer === null ? null : clone(issuer);
  const read = parseRai(relaySide);
  const other = issuerSide === null ? null : parseRai(issuerSide);
  const fits =
    other !== null && other.role === 'issuer' && other.method === read.method && other.aud === read.aud;
  if (read.role === 'issuer' || (read.role === 'shared' ? other !== null : !fits)) {
    throw misfit('$.role', 'rotation takes a shared file alone, or a relay file with its issuer file');
  }
  if (read.role === 'shared') rotateShared(relaySide, read.allow.max_ttl_seconds, options);
  else if (read.method === 'aes')
    rotateAes(relaySide, issuerSide as JsonObject, read.allow.max_ttl_seconds, options);
  else rotateEcc(relaySide, issuerSide as JsonObject, options);
  return { relay: checked(relaySide), issuer: issuerSide === null ? null : checked(issuerSide) };
}

function misfit(path: string, message: string): RaiError {
  return new RaiError([{ path, message, fix: 'give the two files of one pair' }]);
}

/** Plain data of our own; a text that parses back cannot share structure with the caller's object. */
function clone(file: object): JsonObject {
  return JSON.parse(JSON.stringify(file)) as JsonObject;
}

/** Adds a key at the head of a relay's list and lets the active ones run out. */
function retire(keys: JsonValue, fresh: JsonObject, ttl: number, options: RotateRaiOptions): JsonValue[] {
  const until = options.now + ttl + (options.graceSeconds ?? 86_400);
  const old = (keys as JsonObject[])
    .filter((key) => key.until === undefined || (key.until as number) > options.now)
    .map((key) => ({ ...key, status: 'accept', until: Math.min((key.until as number) ?? until, until) }));
  return [{ ...fresh, status: 'active' }, ...old];
}

function rotateShared(file: JsonObject, ttl: number, options: RotateRaiOptions): void {
  const fresh = createOctKey();
  file.keys = retire(file.keys as JsonValue, fresh, ttl, options);
  file.use = fresh.kid;
}

function rotateAes(relay: JsonObject, issuer: JsonObject, ttl: number, options: RotateRaiOptions): void {
  if (relay.iss !== issuer.iss) throw misfit('$.iss', 'the two files name different issuers');
  const fresh = createOctKey();
  relay.keys = retire(relay.keys as JsonValue, fresh, ttl, options);
  issuer.keys = [fresh];
  issuer.use = fresh.kid;
}

function rotateEcc(relay: JsonObject, issuer: JsonObject, options: RotateRaiOptions): void {
  const parts = options.parts ?? 'both';
  const issuers = relay.issuers as JsonObject[];
  const entry = issuers.find((known) => known.iss === issuer.iss);
  if (entry === undefined) throw misfit('$.iss', "the relay's file does not know this issuer");
  const ttlOf = (known: JsonObject): number =>
    ((known.allow as JsonObject | undefined)?.max_ttl_seconds as number | undefined) ?? 86_400;
  if (parts !== 'sig') {
    const fresh = createEcKey('enc');
    const longest = Math.max(...issuers.map(ttlOf));
    relay.keys = retire(relay.keys as JsonValue, fresh, longest, options);
    // issuers of other files go on with the old key until they get the new one
    issuer.keys = [publicPart(fresh), ...(issuer.keys as JsonObject[])];
    issuer.use = fresh.kid;
  }
  if (parts !== 'enc') {
    const fresh = createEcKey('sig');
    entry.keys = retire(entry.keys as JsonValue, publicPart(fresh), ttlOf(entry), options);
    issuer.sign = fresh;
  }
}
