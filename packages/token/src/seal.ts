/**
 * Seals tokens with @noble, synchronously, in any JavaScript runtime (token spec §2, §3, §8; RFC 7516 §5.1, RFC 7518 §4.4, §4.6).
 * Refuses to mint what a relay would refuse to open.
 */
import { aeskw, gcm } from '@noble/ciphers/aes.js';
import { p256 } from '@noble/curves/nist.js';
import { concatBytes, decodeBase64Url, encodeBase64Url, encodeUtf8, randomBytes } from './bytes.ts';
import { type Claims, checkClaims, findUnsupported, type Limits, RELEASE_FEATURES } from './claims.ts';
import { deriveConcatKey } from './concat-kdf.ts';
import { findStrangeCountry } from './country-codes.ts';
import { MintError } from './errors.ts';
import { findExcess } from './judge.ts';
import type { EcPublicKey, OctKey } from './keys.ts';
import type { AesIssuerFile, AesSharedFile, EccIssuerFile, RaiFile } from './rai-file.ts';
import { isLoopbackUrl } from './relay-url.ts';
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
export function sealToken(file: RaiFile, claims: MintClaims): string {
  if (file.role === 'relay') throw new MintError('rai', "is a relay's file: mint with the issuer's");
  if (!file.relay.startsWith('https:') && !isLoopbackUrl(file.relay)) {
    throw new MintError(
      'relay',
      'is reached over http and is not this machine: tokens would travel in clear',
    );
  }
  const payload = encodeUtf8(toText(claims));
  checkMint(file, payload);
  const token = file.method === 'aes' ? sealAes(file, payload) : sealEcc(file, payload);
  if (token.length > MAX_TOKEN_LENGTH) {
    const hint = 'shorten the lists, or keep the key at the relay and name it with "vault"';
    throw new MintError(
      'token',
      `is ${token.length} characters long, ${MAX_TOKEN_LENGTH} is the most: ${hint}`,
    );
  }
  return token;
}

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

function bytesOf(base64Url: string): Uint8Array {
  return decodeBase64Url(base64Url) as Uint8Array;
}

/** Token spec §2: A256KW with A256GCM. */
function sealAes(file: AesIssuerFile | AesSharedFile, payload: Uint8Array): string {
  const key: OctKey = findKey(file.keys, file.use);
  const header = { alg: 'A256KW', enc: 'A256GCM', kid: key.kid, typ: 'rai+jwt' };
  return encrypt(header, bytesOf(key.k.reveal()), payload);
}

/** Token spec §3: ES256 inside ECDH-ES+A256KW. */
function sealEcc(file: EccIssuerFile, payload: Uint8Array): string {
  const { sign } = file;
  const signed = `${encodeJson({ alg: 'ES256', kid: sign.kid, typ: 'rai+jwt' })}.${encodeBase64Url(payload)}`;
  const signature = p256.sign(encodeUtf8(signed), bytesOf(sign.d.reveal()), { lowS: false });
  const key: EcPublicKey = findKey(file.keys, file.use);
  const ephemeral = p256.utils.randomSecretKey();
  const point = p256.getPublicKey(ephemeral, false);
  const epk = {
    kty: 'EC',
    crv: 'P-256',
    x: encodeBase64Url(point.subarray(1, 33)),
    y: encodeBase64Url(point.subarray(33)),
  };
  const header = { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', kid: key.kid, typ: 'rai+jwt', cty: 'JWT', epk };
  const kek = agree(ephemeral, key);
  return encrypt(header, kek, encodeUtf8(`${signed}.${encodeBase64Url(signature)}`));
}

/** The key-wrapping key that only the relay's private key also yields (RFC 7518 §4.6). */
function agree(ephemeral: Uint8Array, key: EcPublicKey): Uint8Array {
  const relayPoint = concatBytes(new Uint8Array([4]), bytesOf(key.x), bytesOf(key.y));
  // Z is the x coordinate: the shared point without its leading format byte
  const z = p256.getSharedSecret(ephemeral, relayPoint).subarray(1, 33);
  return deriveConcatKey(z, { algorithm: 'ECDH-ES+A256KW', keyBits: 256 });
}

/** RFC 7516 §5.1 with a content key and an IV of its own for every token. */
function encrypt(header: object, kek: Uint8Array, plaintext: Uint8Array): string {
  const cek = randomBytes(32);
  const iv = randomBytes(12);
  const protectedHeader = encodeJson(header);
  const sealed = gcm(cek, iv, encodeUtf8(protectedHeader)).encrypt(plaintext);
  const parts = [aeskw(kek).encrypt(cek), iv, sealed.subarray(0, -16), sealed.subarray(-16)];
  return [protectedHeader, ...parts.map(encodeBase64Url)].join('.');
}

function encodeJson(value: object): string {
  return encodeBase64Url(encodeUtf8(JSON.stringify(value)));
}
