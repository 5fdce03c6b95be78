/**
 * Seals tokens synchronously, with @noble in any JavaScript runtime or on primitives that a platform hands in (token spec §2, §3, §8;
 * RFC 7516 §5.1, RFC 7518 §4.4, §4.6). Refuses to mint what a relay would refuse to open.
 */
import { decodeBase64Url, encodeBase64Url, encodeUtf8, randomBytes } from './bytes.ts';
import { type Claims, checkClaims, findUnsupported, type Limits, RELEASE_FEATURES } from './claims.ts';
import { deriveConcatKey } from './concat-kdf.ts';
import { findStrangeCountry } from './country-codes.ts';
import { MintError } from './errors.ts';
import { findExcess } from './judge.ts';
import type { EcPublicKey, OctKey } from './keys.ts';
import type { AesIssuerFile, AesSharedFile, EccIssuerFile, RaiFile } from './rai-file.ts';
import { isLoopbackUrl } from './relay-url.ts';
import { noblePrimitives, type SealPrimitives } from './seal-primitives.ts';
import { revealText, type Secret } from './secret.ts';
import { type JsonValue, parseStrictJson, StrictJsonError } from './strict-json.ts';
import { MAX_TOKEN_LENGTH } from './token-shape.ts';

/** An upstream as it stands in a token. */
export interface MintUpstream {
  provider: string;
  key?: string | Secret | undefined;
  credential?: Readonly<Record<string, string | Secret>> | undefined;
  vault?: string | undefined;
  vars?: Readonly<Record<string, string>> | undefined;
  base?: string | undefined;
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

type MintingFile = AesIssuerFile | AesSharedFile | EccIssuerFile;

/** A token for these claims. Fills nothing in. Throws MintError naming the claim. */
export type Sealer = (file: RaiFile, claims: MintClaims) => string;

/** A sealer on these primitives. It imports each key of a file once and keeps it as long as the file. */
export function createSealer<K>(primitives: SealPrimitives<K>): Sealer {
  const keys: KeyCache<K> = new WeakMap();
  return (file, claims) => {
    if (file.role === 'relay') throw new MintError('rai', "is a relay's file: mint with the issuer's");
    if (!file.relay.startsWith('https:') && !isLoopbackUrl(file.relay)) {
      throw new MintError(
        'relay',
        'is reached over http and is not this machine: tokens would travel in clear',
      );
    }
    const payload = encodeUtf8(toText(claims));
    checkMint(file, payload);
    const token =
      file.method === 'aes'
        ? sealAes(primitives, keys, file, payload)
        : sealEcc(primitives, keys, file, payload);
    if (token.length > MAX_TOKEN_LENGTH) {
      const hint = 'shorten the lists, or keep the key at the relay and name it with "vault"';
      throw new MintError(
        'token',
        `is ${token.length} characters long, ${MAX_TOKEN_LENGTH} is the most: ${hint}`,
      );
    }
    return token;
  };
}

/** The sealer that runs anywhere: @noble. */
export const sealToken: Sealer = createSealer(noblePrimitives);

/** JSON in which secrets stand in clear: a Secret's own toJSON masks them. */
function toText(claims: MintClaims): string {
  const upstream = Array.isArray(claims.upstream)
    ? claims.upstream.map(revealUpstream)
    : revealUpstream(claims.upstream as MintUpstream);
  return JSON.stringify({ ...claims, upstream });
}

function revealUpstream(upstream: MintUpstream): unknown {
  if (typeof upstream !== 'object' || upstream === null) return upstream;
  const { key, credential } = upstream;
  return {
    ...upstream,
    ...(key === undefined ? {} : { key: revealText(key) }),
    ...(typeof credential === 'object' && credential !== null && !Array.isArray(credential)
      ? {
          credential: Object.fromEntries(
            Object.entries(credential).map(([name, part]) => [name, revealText(part)]),
          ),
        }
      : {}),
  };
}

/** Throws for whatever a relay would refuse, as far as the minting side can know. */
function checkMint(file: MintingFile, payload: Uint8Array): void {
  const checked = checkClaims(parsePayload(payload));
  if ('fault' in checked) throw new MintError(checked.fault.claim, checked.fault.reason);
  const { claims } = checked.parsed;
  if (claims.iss !== file.iss) throw new MintError('iss', 'is not the issuer of the .rai file');
  if (claims.aud !== file.aud) throw new MintError('aud', 'is not the relay of the .rai file');
  const unsupported = findUnsupported(checked.parsed, RELEASE_FEATURES);
  if (unsupported !== null) throw new MintError(unsupported, 'is not supported by this release of the relay');
  // opening asks for the form alone: a code that is assigned next year opens on a relay of this year, and admits nobody there
  const strange = findStrangeCountry(claims.countries ?? []);
  if (strange !== null) throw new MintError('countries', strange);
  if (file.role === 'shared') checkAllowed(claims, file);
}

function checkAllowed(claims: Claims, file: AesSharedFile): void {
  const excess = findExcess(claims, file.allow);
  if (excess !== null) throw new MintError(excess, "asks for more than the .rai file's allow grants");
}

/** The relay's own parser: what it would not read is not minted. */
function parsePayload(payload: Uint8Array): JsonValue {
  try {
    return parseStrictJson(payload);
  } catch (error) {
    const reason = error instanceof StrictJsonError ? error.reason.replace('_', ' ') : 'syntax';
    throw new MintError('claims', `are not JSON that a relay reads (${reason})`);
  }
}

function findKey<K extends { kid: string }>(keys: readonly K[], kid: string): K {
  const key = keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) throw new MintError('rai', 'has no key with the kid that "use" names');
  return key;
}

/** Imported keys by the file's own: a file that is dropped takes them along. */
type KeyCache<K> = WeakMap<OctKey | EcPublicKey, K>;

function importOnce<K, J extends OctKey | EcPublicKey>(
  keys: KeyCache<K>,
  jwk: J,
  importKey: (jwk: J) => K,
): K {
  const known = keys.get(jwk);
  if (known !== undefined) return known;
  const key = importKey(jwk);
  keys.set(jwk, key);
  return key;
}

/** Token spec §2: A256KW with A256GCM. */
function sealAes<K>(
  primitives: SealPrimitives<K>,
  keys: KeyCache<K>,
  file: AesIssuerFile | AesSharedFile,
  payload: Uint8Array,
): string {
  const jwk: OctKey = findKey(file.keys, file.use);
  const key = importOnce(keys, jwk, ({ k }) =>
    primitives.importWrappingKey(decodeBase64Url(k.reveal()) as Uint8Array),
  );
  const header = { alg: 'A256KW', enc: 'A256GCM', kid: jwk.kid, typ: 'rai+jwt' };
  return encrypt(primitives, header, key, payload);
}

/** Token spec §3: ES256 inside ECDH-ES+A256KW. */
function sealEcc<K>(
  primitives: SealPrimitives<K>,
  keys: KeyCache<K>,
  file: EccIssuerFile,
  payload: Uint8Array,
): string {
  const { sign } = file;
  const signed = `${encodeJson({ alg: 'ES256', kid: sign.kid, typ: 'rai+jwt' })}.${encodeBase64Url(payload)}`;
  const signingKey = importOnce(keys, sign, ({ d, x, y }) =>
    primitives.importSigningKey({ d: d.reveal(), x, y }),
  );
  const signature = primitives.sign(signingKey, encodeUtf8(signed));
  const jwk: EcPublicKey = findKey(file.keys, file.use);
  const relayKey = importOnce(keys, jwk, ({ x, y }) => primitives.importAgreementKey({ x, y }));
  const { x, y, z } = primitives.agree(relayKey);
  const epk = { kty: 'EC', crv: 'P-256', x: encodeBase64Url(x), y: encodeBase64Url(y) };
  const header = { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: jwk.kid, typ: 'rai+jwt', cty: 'JWT', epk };
  // the key-wrapping key that only the relay's private key also yields (RFC 7518 §4.6)
  const kek = deriveConcatKey(z, { algorithm: 'ECDH-ES+A256KW', keyBits: 256 }, primitives.sha256);
  const nested = encodeUtf8(`${signed}.${encodeBase64Url(signature)}`);
  return encrypt(primitives, header, primitives.importWrappingKey(kek), nested);
}

/** RFC 7516 §5.1 with a content key and an IV of its own for every token. */
function encrypt<K>(primitives: SealPrimitives<K>, header: object, key: K, plaintext: Uint8Array): string {
  const contentKey = randomBytes(32);
  const iv = randomBytes(12);
  const protectedHeader = encodeJson(header);
  const { text, tag } = primitives.encrypt(contentKey, { header: protectedHeader, iv, text: plaintext });
  const parts = [primitives.wrapKey(key, contentKey), iv, text, tag];
  return [protectedHeader, ...parts.map(encodeBase64Url)].join('.');
}

function encodeJson(value: object): string {
  return encodeBase64Url(encodeUtf8(JSON.stringify(value)));
}
