/**
 * Keys as `.rai` files hold them: a closed profile of JWK (RFC 7517 §4), one use per key (token spec §7).
 * Secret members are `Secret`s. Not a JWK library: what is not listed here is refused.
 */
import { p256 } from '@noble/curves/nist.js';
import { concatBytes, decodeBase64Url, encodeBase64Url, sha256 } from './bytes.ts';
import { isCount } from './claim-rules.ts';
import { type JsonObject, type Place, readField, readObject, readOptional, report } from './rai-problems.ts';
import { Secret } from './secret.ts';
import type { JsonValue } from './strict-json.ts';

/** `active`: in use. `accept`: still opens tokens, seals none. */
export type KeyStatus = 'active' | 'accept';

/** What every key may carry beside its material. */
export interface KeyLife {
  kid: string;
  /** Absent in an issuer's file. */
  status?: KeyStatus;
  /** Seconds; from then on the key opens nothing. */
  until?: number;
}

/** The shared key of method `aes`. `k` is 32 bytes in base64url. */
export interface OctKey extends KeyLife {
  kty: 'oct';
  use: 'enc';
  alg: 'A256KW';
  k: Secret;
}

/** A public P-256 key: the relay's for encryption, an issuer's for signatures. */
export interface EcPublicKey extends KeyLife {
  kty: 'EC';
  crv: 'P-256';
  use: 'enc' | 'sig';
  alg: 'ECDH-ES+A256KW' | 'ES256';
  x: string;
  y: string;
}

/** A private P-256 key; `d` matches `x` and `y` (checked when the file is read). */
export interface EcPrivateKey extends EcPublicKey {
  d: Secret;
}

/** Which key a place in a file wants. */
export interface KeyWant {
  use: 'enc' | 'sig';
  /** Whether `d` must stand there; where it must not, it is refused. */
  secret: boolean;
  /** Whether `status` and `until` belong there. */
  life: boolean;
}

const KID = /^[A-Za-z0-9_-]{4,32}$/;
const LIFE = ['status', 'until'];

/** SHA-256 (base64url) of key material that stands in public texts: version 1's sample, its derived key, RFC examples. */
const PUBLISHED = new Set([
  // version 1 sample
  'SIT9qv6kfCn-pxWdDa3dnAhdYgDhNZ6Fu4Fzava3yDc',
  // version 1 sample derived
  'SATZ4sJC35A-p0Htz-ql56LeJE7ad1sVEtdXY_jw3dQ',
  // rfc3394 kek
  'Yw3NKWbEM2aRElRIu7JbT_QSpJxzLbLIq8G4WBvXEN0',
  // rfc7515 A.3 x
  'xKjXbs9fcSpvmAUtlnoVX5LiKkFR4XZwCy2Ad5h5Z6s',
  // rfc7517 A.1 x
  '-ggjxgHgFnAyD1ea1MXEU9d7bKjXu28mQKuxEiOjNYA',
  // rfc7518 C alice
  'OvQ0Ramm-9AOKSAn0Ill7SSPYT_M0gV32KVvCtPPMk0',
  // rfc7518 C bob
  'Jfxw3YE1zOWssTI-2FPWz3ty4ilHFwItI28PD4yxaaE',
]);

/** What is wrong with 32 secret bytes, or null. */
export function findWeakness(bytes: Uint8Array): string | null {
  if (isPublished(bytes)) return 'is a published sample key';
  if (bytes.every((b) => b === 0)) return 'is all zero';
  const step = ((bytes[1] as number) - (bytes[0] as number)) & 255;
  const steady = bytes.every((b, i) => i === 0 || ((b - (bytes[i - 1] as number)) & 255) === step);
  // at most 16 different values: random bytes do that about once in 10^9, hex text taken for bytes always
  if (steady || new Set(bytes).size <= 16) return 'has too little variety to be random';
  return null;
}

/** Whether key material is known from a public text. */
function isPublished(bytes: Uint8Array): boolean {
  return PUBLISHED.has(encodeBase64Url(sha256(bytes)));
}

const freshKey = 'make a fresh one with relayapi init';

const kidRule = {
  test: (v: JsonValue): v is string => typeof v === 'string' && KID.test(v),
  expects: '4 to 32 characters of A-Z a-z 0-9 _ -',
  fix: 'give the key a random id',
};

const only = <T extends string>(word: T) => ({
  test: (v: JsonValue): v is T => v === word,
  expects: `"${word}"`,
  fix: `write "${word}"`,
});

const bytes32 = {
  test: (v: JsonValue): v is string =>
    typeof v === 'string' && v.length === 43 && decodeBase64Url(v) !== null,
  expects: '32 bytes in base64url (43 characters, no padding)',
  fix: freshKey,
};

const statusRule = {
  test: (v: JsonValue): v is KeyStatus => v === 'active' || v === 'accept',
  expects: '"active" or "accept"',
  fix: 'write "active" for a key in use, "accept" for one on its way out',
};

const untilRule = {
  test: (v: JsonValue): v is number => isCount(v),
  expects: 'a time in whole seconds',
  fix: 'write seconds since 1970',
};

function readLife(object: JsonObject, place: Place, want: { life: boolean }): Omit<KeyLife, 'kid'> {
  if (!want.life) return {};
  const status = readField(object, 'status', place, statusRule);
  const until = readOptional(object, 'until', place, untilRule);
  return { ...(status === undefined ? {} : { status }), ...(until === undefined ? {} : { until }) };
}

/** Reads a symmetric key; null (and problems) when it is not one. */
export function readOctKey(value: JsonValue, place: Place, want: { life: boolean }): OctKey | null {
  const names = ['kty', 'kid', 'use', 'alg', 'k', ...(want.life ? LIFE : [])];
  if (!hasKty(value, place, 'oct')) return null;
  const object = readObject(value, place, names);
  if (object === null) return null;
  const before = place.problems.length;
  const kid = readField(object, 'kid', place, kidRule);
  readField(object, 'use', place, only('enc'));
  readField(object, 'alg', place, only('A256KW'));
  const k = readField(object, 'k', place, bytes32);
  const weakness = k === undefined ? null : findWeakness(decodeBase64Url(k) as Uint8Array);
  if (weakness !== null) report(place, '.k', weakness, freshKey);
  const life = readLife(object, place, want);
  if (place.problems.length > before) return null;
  return { kty: 'oct', kid: kid as string, use: 'enc', alg: 'A256KW', k: new Secret(k as string), ...life };
}

/** Reads a P-256 key; null (and problems) when it is not what `want` asks for. */
export function readEcKey(value: JsonValue, place: Place, want: KeyWant): EcPublicKey | EcPrivateKey | null {
  const alg = want.use === 'enc' ? 'ECDH-ES+A256KW' : 'ES256';
  const names = ['kty', 'crv', 'kid', 'use', 'alg', 'x', 'y', 'd', ...(want.life ? LIFE : [])];
  if (!hasKty(value, place, 'EC')) return null;
  const object = readObject(value, place, names);
  if (object === null) return null;
  const before = place.problems.length;
  if (readField(object, 'crv', place, only('P-256')) === undefined) return null;
  const kid = readField(object, 'kid', place, kidRule);
  readField(object, 'use', place, only(want.use));
  readField(object, 'alg', place, only(alg));
  const x = readField(object, 'x', place, bytes32);
  const y = readField(object, 'y', place, bytes32);
  const d = readPrivatePart(object, place, want);
  if (x !== undefined && y !== undefined) checkPoint(place, x, y, d);
  const life = readLife(object, place, want);
  if (place.problems.length > before) return null;
  const key: EcPublicKey = {
    kty: 'EC',
    crv: 'P-256',
    kid: kid as string,
    use: want.use,
    alg,
    x: x as string,
    y: y as string,
    ...life,
  };
  return d === undefined ? key : { ...key, d: new Secret(d) };
}

function hasKty(value: JsonValue, place: Place, kty: 'oct' | 'EC'): boolean {
  const object = readObject(value, { problems: [], path: '' }, []);
  if (object === null) {
    report(place, '', 'is not an object', 'write a key as an object');
    return false;
  }
  return readField(object, 'kty', place, only(kty)) !== undefined;
}

function readPrivatePart(object: JsonObject, place: Place, want: KeyWant): string | undefined {
  if (want.secret) return readField(object, 'd', place, bytes32);
  if (Object.hasOwn(object, 'd')) {
    report(
      place,
      '.d',
      'is a private key, which does not belong in this file',
      'remove it, and replace the key if the file was passed on',
    );
  }
  return undefined;
}

/** The point is on the curve, and `d`, where given, is its private key. */
function checkPoint(place: Place, x: string, y: string, d: string | undefined): void {
  const point = concatBytes(
    new Uint8Array([4]),
    decodeBase64Url(x) as Uint8Array,
    decodeBase64Url(y) as Uint8Array,
  );
  if (isPublished(point.subarray(1, 33))) {
    report(place, '', 'is a published sample key', freshKey);
    return;
  }
  if (!isOnCurve(point)) {
    report(place, '', 'x and y are not a point of P-256', freshKey);
    return;
  }
  if (d === undefined) return;
  const secret = decodeBase64Url(d) as Uint8Array;
  const weakness = findWeakness(secret);
  const derived = weakness === null ? derivePublic(secret) : null;
  if (weakness !== null) report(place, '.d', weakness, freshKey);
  else if (derived === null || !derived.every((b, i) => b === point[i])) {
    report(place, '.d', 'is not the private key of x and y', freshKey);
  }
}

function isOnCurve(point: Uint8Array): boolean {
  try {
    p256.Point.fromBytes(point);
    return true;
  } catch {
    return false;
  }
}

function derivePublic(secret: Uint8Array): Uint8Array | null {
  try {
    return p256.getPublicKey(secret, false);
  } catch {
    return null;
  }
}
