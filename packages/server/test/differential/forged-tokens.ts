/**
 * Tokens by somebody who holds every key: properly sealed with one thing other than it should be, so that each check and each primitive
 * of an opener is reached. The cryptography is node:crypto's with keys by hand, never the packages' own.
 */
import { createCipheriv, createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  b64,
  concatKdf,
  ecdhKek,
  type Pair,
  type Plain,
  pairFor,
} from '../../../token/test/generate/crypto.ts';
import type { SealingKeys } from '../../../token/test/support/mutated-tokens.ts';
import type { Random } from '../../../token/test/support/random.ts';
import { multiply, ORDER, type PlainPoint, PRIME } from './plain-curve.ts';

/** A token, and what was done to it. */
export interface ForgedToken {
  readonly kind: string;
  readonly token: string;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const WRAP_IV = Buffer.alloc(8, 0xa6);

/** A big-endian number of 32 bytes. */
const bytes32 = (n: bigint): Buffer =>
  Buffer.from((n & ((1n << 256n) - 1n)).toString(16).padStart(64, '0'), 'hex');
/** The number that base64url spells, most significant byte first. */
export const numberOf = (base64Url: string): bigint =>
  BigInt(`0x${Buffer.from(base64Url, 'base64url').toString('hex')}`);

/** A compact JWE with a content key of its own; what it seals need not make sense. */
export function seal(header: string | Buffer, plaintext: string | Buffer, kek: Buffer): string {
  const contentKey = randomBytes(32);
  const iv = randomBytes(12);
  const wrap = createCipheriv('id-aes256-wrap', kek, WRAP_IV);
  const wrapped = Buffer.concat([wrap.update(contentKey), wrap.final()]);
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv, { authTagLength: 16 });
  const first = b64(header);
  cipher.setAAD(Buffer.from(first, 'latin1'));
  const text = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [first, ...[wrapped, iv, text, cipher.getAuthTag()].map(b64)].join('.');
}

/** JSON of the same meaning in another spelling, or of a meaning that strict JSON refuses. */
function respell(members: Plain, random: Random): string {
  const text = JSON.stringify(members);
  const names = Object.keys(members);
  const name = random.pick(names);
  const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`;
  const value = JSON.stringify(members[name]);
  return random.pick<() => string>([
    () => JSON.stringify(members, null, random.pick([1, 2, '\t'])),
    () => ` \r\n\t${text}\n`,
    () => text.replace(`"${name}"`, `"${escaped}"`),
    () => JSON.stringify(Object.fromEntries(Object.entries(members).reverse())),
    () => `${text.slice(0, -1)},"${name}":${value}}`,
    () => `${text.slice(0, -1)},"${escaped}":${value}}`,
    () => `${text.slice(0, -1)},"__proto__":${value}}`,
    () => `${text.slice(0, -1)},}`,
    () => `\ufeff${text}`,
    () => `${text}\u0000`,
    () => text.replace(':', ':/**/'),
    () => text.replaceAll('"', "'"),
    () => `[${text}]`,
    () => text.replace(/:"([^"]+)"/, ':"$1\\u0000"'),
    () =>
      text.replace(/:"([A-Za-z])/, (_, c: string) => `:"\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ])();
}

type Forger = (random: Random) => ForgedToken;

/** Makes `aes` tokens. */
export function createAesForger(keys: SealingKeys['aes'], claims: Plain): Forger {
  const good: Plain = { alg: 'A256KW', enc: 'A256GCM', kid: keys.kid, typ: 'rai+jwt' };
  const others: readonly Plain[] = [
    { ...good, kid: 'nobody' },
    { ...good, kid: 'toString' },
    { ...good, kid: '' },
    { ...good, kid: `${keys.kid} ` },
    { ...good, alg: 'dir' },
    { ...good, alg: 'A256GCMKW', iv: b64(Buffer.alloc(12)), tag: b64(Buffer.alloc(16)) },
    { ...good, alg: 'PBES2-HS512+A256KW', p2c: 2_147_483_647, p2s: 'AAAA' },
    { ...good, enc: 'A128GCM' },
    { ...good, zip: 'DEF' },
    { ...good, crit: ['b64'], b64: false },
    { ...good, typ: 'JWT' },
  ];
  const kinds: Record<string, (random: Random) => string> = {
    good: () => seal(JSON.stringify(good), JSON.stringify(claims), keys.k),
    'respelt header': (random) => seal(respell(good, random), JSON.stringify(claims), keys.k),
    'other header': (random) => seal(JSON.stringify(random.pick(others)), JSON.stringify(claims), keys.k),
    'respelt claims': (random) => seal(JSON.stringify(good), respell(claims, random), keys.k),
    'foreign key': () => seal(JSON.stringify(good), JSON.stringify(claims), randomBytes(32)),
  };
  return (random) => {
    const kind = random.pick(Object.keys(kinds));
    return { kind: `aes ${kind}`, token: (kinds[kind] as (random: Random) => string)(random) };
  };
}

/** Coordinates that are no point of P-256, or no canonical spelling of one. */
function strangeKeys(point: Pair): readonly { x: string; y: string }[] {
  const { x, y } = point;
  const [nx, ny] = [numberOf(x), numberOf(y)];
  const spell = (a: bigint, b: bigint) => ({ x: b64(bytes32(a)), y: b64(bytes32(b)) });
  return [
    spell(nx, ny + 1n),
    spell(nx + 1n, ny),
    spell(ny, nx),
    spell(0n, 0n),
    spell(0n, 1n),
    spell(nx, 0n),
    spell(PRIME, ny),
    spell(nx, PRIME),
    spell((1n << 256n) - 1n, (1n << 256n) - 1n),
    // the point again in another spelling, where 256 bits have room for it
    spell(nx + PRIME, ny),
    spell(nx, ny + PRIME),
    { x: x.slice(0, -1), y },
    { x: `${x}A`, y },
    { x: `${x.slice(0, -1)}${ALPHABET[ALPHABET.indexOf(x.at(-1) as string) ^ 1]}`, y },
  ];
}

/** Signatures that are not r and s of ES256 in 64 bytes; `der` is one in DER. */
function strangeSignatures(good: Buffer, der: Buffer): readonly Buffer[] {
  const [r, s] = [good.subarray(0, 32), good.subarray(32)];
  const [zero, order, most] = [bytes32(0n), bytes32(ORDER), bytes32(-1n)];
  const join = (...parts: Buffer[]): Buffer => Buffer.concat(parts);
  return [
    join(zero, s),
    join(r, zero),
    join(zero, zero),
    join(order, s),
    join(r, order),
    join(most, most),
    join(s, r),
    good.subarray(0, 63),
    join(good, zero.subarray(0, 1)),
    der,
    // a DER signature cut or filled to the length that is asked for
    join(der, Buffer.alloc(64)).subarray(0, 64),
    randomBytes(64),
  ];
}

/** s becomes n - s: another signature of the same text, as good as the first. */
function turned(signature: Buffer): Buffer {
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  return Buffer.concat([signature.subarray(0, 32), bytes32(ORDER - s)]);
}

function privateKeyOf({ d, x, y }: Pair): KeyObject {
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, x, y }, format: 'jwk' });
}

/** Makes `ecc` tokens. */
export function createEccForger(keys: SealingKeys['ecc'], claims: Plain): Forger {
  const signingKey = privateKeyOf(keys.sign);
  const strangerKey = privateKeyOf(pairFor('a stranger who signs'));
  // a few ephemeral keys for all tokens; half of their y are odd, so both signs occur
  const ephemerals = Array.from({ length: 8 }, (_, i) => {
    const pair = pairFor(`forger's ephemeral ${i}`);
    return { pair, kek: ecdhKek(pair, keys.relay) };
  });
  const offCurve = [2n, 3n, 5n, 7n].map((y) => agreePlainly(keys.relay, { x: 5n, y }));
  const outerHeader = (epk: unknown): Plain => ({
    alg: 'ECDH-ES+A256KW',
    enc: 'A256GCM',
    kid: keys.kid,
    typ: 'rai+jwt',
    cty: 'JWT',
    epk,
  });
  const keyOf = ({ x, y }: { x: string; y: string }): Plain => ({ kty: 'EC', crv: 'P-256', x, y });
  const inner: Plain = { alg: 'ES256', kid: keys.signKid, typ: 'rai+jwt' };
  const signBytes = (input: string, dsaEncoding: 'ieee-p1363' | 'der', key = signingKey): Buffer =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding });
  const jws = (header: string, payload: string, key = signingKey): string => {
    const input = `${b64(header)}.${b64(payload)}`;
    return `${input}.${b64(signBytes(input, 'ieee-p1363', key))}`;
  };
  const good = (): string => jws(JSON.stringify(inner), JSON.stringify(claims));
  const sealed = (
    random: Random,
    nested: string | Buffer,
    header = (epk: Plain) => JSON.stringify(outerHeader(epk)),
  ) => {
    const { pair, kek } = random.pick(ephemerals);
    return seal(header(keyOf(pair)), nested, kek);
  };
  const others: readonly Plain[] = [
    { ...inner, alg: 'none' },
    { ...inner, alg: 'HS256' },
    { ...inner, kid: 'nobody' },
    { ...inner, kid: keys.kid },
    { ...inner, typ: 'JWT' },
    { ...inner, b64: false, crit: ['b64'] },
    { ...inner, jwk: {} },
  ];
  const kinds: Record<string, (random: Random) => string> = {
    good: (random) => sealed(random, good()),
    'respelt header': (random) => sealed(random, good(), (epk) => respell(outerHeader(epk), random)),
    'respelt epk': (random) =>
      sealed(random, good(), (epk) =>
        JSON.stringify(outerHeader('@')).replace('"@"', () => respell(epk, random)),
      ),
    'strange epk': (random) => {
      const { pair, kek } = random.pick(ephemerals);
      return seal(JSON.stringify(outerHeader(keyOf(random.pick(strangeKeys(pair))))), good(), kek);
    },
    // −P has the same x as P and hence the same Z: it opens
    'negated epk': (random) => {
      const { pair, kek } = random.pick(ephemerals);
      const y = b64(bytes32(PRIME - numberOf(pair.y)));
      return seal(JSON.stringify(outerHeader(keyOf({ x: pair.x, y }))), good(), kek);
    },
    'epk on another curve': (random) => {
      const { epk, kek } = random.pick(offCurve);
      return seal(JSON.stringify(outerHeader(epk)), good(), kek);
    },
    'respelt inner header': (random) => sealed(random, jws(respell(inner, random), JSON.stringify(claims))),
    'other inner header': (random) =>
      sealed(random, jws(JSON.stringify(random.pick(others)), JSON.stringify(claims))),
    'respelt claims': (random) => sealed(random, jws(JSON.stringify(inner), respell(claims, random))),
    'foreign signature': (random) =>
      sealed(random, jws(JSON.stringify(inner), JSON.stringify(claims), strangerKey)),
    'turned signature': (random) => {
      const [header, payload, signature] = good().split('.') as [string, string, string];
      return sealed(random, `${header}.${payload}.${b64(turned(Buffer.from(signature, 'base64url')))}`);
    },
    'strange signature': (random) => {
      const input = `${b64(JSON.stringify(inner))}.${b64(JSON.stringify(claims))}`;
      const strange = strangeSignatures(signBytes(input, 'ieee-p1363'), signBytes(input, 'der'));
      return sealed(random, `${input}.${b64(random.pick(strange))}`);
    },
    'mutated nested text': (random) => sealed(random, mutateText(good(), random)),
    'nested bytes': (random) => sealed(random, Buffer.concat([Buffer.from(good()), Buffer.from([0xff])])),
    'claims alone': (random) => sealed(random, JSON.stringify(claims)),
  };
  return (random) => {
    const kind = random.pick(Object.keys(kinds));
    return { kind: `ecc ${kind}`, token: (kinds[kind] as (random: Random) => string)(random) };
  };
}

/**
 * An ephemeral key at `point`, and what multiplying it comes to. The point may lie on y² = x³ - 3x + b' for any b': additions do not look
 * at b, so whoever multiplies unchecked opens what is sealed with it.
 */
export function agreePlainly(relay: Pair, point: PlainPoint): { epk: Plain; kek: Buffer } {
  const shared = multiply(numberOf(relay.d), point);
  const kek = concatKdf(bytes32(shared?.x ?? 0n), 'ECDH-ES+A256KW', 256);
  return { epk: { kty: 'EC', crv: 'P-256', x: b64(bytes32(point.x)), y: b64(bytes32(point.y)) }, kek };
}

/** One character, part or end of a token or nested text other than it was. */
export function mutateText(text: string, random: Random): string {
  const at = random.below(text.length);
  const parts = text.split('.');
  const [i, j] = [random.below(parts.length), random.below(parts.length)];
  const part = parts[i] as string;
  const swap = (k: number): string =>
    k === i ? (parts[j] as string) : k === j ? part : (parts[k] as string);
  const spell = (other: string): string => parts.map((one, k) => (k === i ? other : one)).join('.');
  return random.pick<() => string>([
    () => text.slice(0, at) + random.pick([...ALPHABET]) + text.slice(at + 1),
    () => text.slice(0, at) + random.pick([...ALPHABET]) + text.slice(at + 1),
    () =>
      text.slice(0, at) +
      random.pick(['=', '.', '+', '/', ' ', '\u0000', 'é', '\u0141', '%2E']) +
      text.slice(at + 1),
    () => text.slice(0, at),
    () => text.slice(0, at) + text.slice(at + 1),
    () => text.slice(0, at) + random.pick([...ALPHABET]) + text.slice(at),
    () => parts.map((_, k) => swap(k)).join('.'),
    () => parts.filter((_, k) => k !== i).join('.'),
    () => [...parts, part].join('.'),
    // the same bytes in another spelling
    () => spell(`${part.slice(0, -1)}${ALPHABET[ALPHABET.indexOf(part.at(-1) as string) ^ 1] ?? ''}`),
    () => spell(`${part}=`),
    () => spell(part.replaceAll('-', '+').replaceAll('_', '/')),
    () => spell(`${part}A`),
    () => spell(''),
  ])();
}
