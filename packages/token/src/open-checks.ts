/**
 * The strict checks of opening (token spec §4 steps 1 to 5, 7 and 8), pure and synchronous: every opener stands behind the same ones.
 * Cryptography is not here; what is not opened is null, for whatever reason.
 */
import { decodeBase64Url, decodeUtf8, encodeBase64Url, sha256 } from './bytes.ts';
import { type Claims, parseClaims } from './claims.ts';
import type { IssuerEntry, KeyEntry, KeyringState, OuterKey, SignerKey } from './keyring.ts';
import { type JsonValue, parseStrictJson } from './strict-json.ts';
import { isTokenShaped } from './token-shape.ts';

/** An authentic token whose claims are well formed; not yet judged (judgeToken). */
export interface OpenedToken {
  claims: Claims;
  /** Names this release does not know. */
  unknown: readonly string[];
  kid: string;
  /** `ecc`: the key that signed. */
  signerKid?: string;
  /** base64url SHA-256 of the claims' bytes: with `iss` and `jti` the key of every counter. */
  claimsDigest: string;
  /** `kid:jti` (first 8 characters): how logs name the token. */
  id: string;
}

/** The coordinates of an ephemeral key: 32 bytes each, not known to be a point of the curve. */
export interface EphemeralKey {
  x: Uint8Array;
  y: Uint8Array;
}

/** A token whose outside has passed: what decrypting needs. */
export interface SealedToken {
  outer: OuterKey;
  /** The first part as it stands: what the tag covers besides the text. */
  header: string;
  /** 40 bytes. */
  wrapped: Uint8Array;
  /** 12 bytes. */
  iv: Uint8Array;
  text: Uint8Array;
  /** 16 bytes. */
  tag: Uint8Array;
  /** Null for `aes`. */
  epk: EphemeralKey | null;
}

/** The signed text of an `ecc` token, its signature not yet verified. */
export interface SignedText {
  signer: SignerKey;
  /** The whole compact JWS. */
  text: string;
  /** How many of its characters are signed; all are ASCII. */
  signedLength: number;
  payload: Uint8Array;
  /** 64 bytes, r and s. */
  signature: Uint8Array;
}

/** What the checks do to bytes: a platform may be faster at it. */
export interface ByteTools {
  /** The bytes of canonical base64url, null for any other spelling. */
  decodeBase64Url(text: string): Uint8Array | null;
  /** SHA-256 as base64url. */
  digest(bytes: Uint8Array): string;
}

/** The portable ones. */
export const portableTools: ByteTools = {
  decodeBase64Url,
  digest: (bytes) => encodeBase64Url(sha256(bytes)),
};

const TOKEN_TYPE = 'rai+jwt';
const NESTED = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}$/;
const MAX_HEADER_LENGTH = 700;
// 40 wrapped bytes, 12 of IV, 16 of tag, 32 of a coordinate, 64 of a signature, in base64url
const KEY_LENGTH = 54;
const IV_LENGTH = 16;
const TAG_LENGTH = 22;
const COORDINATE_LENGTH = 43;
const SIGNATURE_LENGTH = 86;
/** How far an issuer's clock may run ahead. */
const CLOCK_SKEW_SECONDS = 60;

const AES_MEMBERS = ['alg', 'enc', 'kid', 'typ'];
const ECC_MEMBERS = ['alg', 'enc', 'kid', 'typ', 'cty', 'epk'];
const EPK_MEMBERS = ['kty', 'crv', 'x', 'y'];
const SIGNED_MEMBERS = ['alg', 'kid', 'typ'];
const HEADER_BOUNDS = { maxDepth: 4, maxMembers: 16 };

/** Steps 1 to 5: the shape, the parts, the header, the key. Throws for a header that is not strict JSON. */
export function readSealed(
  token: string,
  state: KeyringState,
  now: number,
  tools: ByteTools,
): SealedToken | null {
  if (!isTokenShaped(token)) return null;
  const [header, keyPart, nonce, body, mac] = token.split('.') as [string, string, string, string, string];
  if (header.length > MAX_HEADER_LENGTH) return null;
  if (keyPart.length !== KEY_LENGTH || nonce.length !== IV_LENGTH || mac.length !== TAG_LENGTH) return null;
  const headerBytes = tools.decodeBase64Url(header);
  const wrapped = tools.decodeBase64Url(keyPart);
  const iv = tools.decodeBase64Url(nonce);
  const text = tools.decodeBase64Url(body);
  const tag = tools.decodeBase64Url(mac);
  if (headerBytes === null || wrapped === null || iv === null || text === null || tag === null) return null;
  const members = readHeader(headerBytes);
  if (members === null || typeof members.kid !== 'string') return null;
  const outer = state.outer.get(members.kid);
  if (outer === undefined || hasEnded(outer.entry, now)) return null;
  const sealed = { outer, header, wrapped, iv, text, tag };
  if (outer.entry.method === 'aes') {
    return outer.issuer !== null && isAesHeader(members) ? { ...sealed, epk: null } : null;
  }
  if (!isEccHeader(members)) return null;
  const epk = readEphemeralKey(members.epk, tools);
  return epk === null ? null : { ...sealed, epk };
}

type Header = { [k: string]: JsonValue };

/** Step 4: a header through the strict parser; null when it is no JSON object. */
function readHeader(bytes: Uint8Array): Header | null {
  const header = parseStrictJson(bytes, HEADER_BOUNDS);
  return typeof header === 'object' && header !== null && !Array.isArray(header) ? header : null;
}

function hasExactly(header: Header, names: readonly string[]): boolean {
  return Object.keys(header).length === names.length && names.every((name) => Object.hasOwn(header, name));
}

function isAesHeader(header: Header): boolean {
  return (
    hasExactly(header, AES_MEMBERS) &&
    header.alg === 'A256KW' &&
    header.enc === 'A256GCM' &&
    header.typ === TOKEN_TYPE
  );
}

function isEccHeader(header: Header): boolean {
  return (
    hasExactly(header, ECC_MEMBERS) &&
    header.alg === 'ECDH-ES+A256KW' &&
    header.enc === 'A256GCM' &&
    header.typ === TOKEN_TYPE &&
    header.cty === 'JWT'
  );
}

/** The form alone: whether the point is on the curve the platform checks as it imports it. */
function readEphemeralKey(epk: JsonValue | undefined, tools: ByteTools): EphemeralKey | null {
  if (typeof epk !== 'object' || epk === null || Array.isArray(epk)) return null;
  if (!hasExactly(epk, EPK_MEMBERS) || epk.kty !== 'EC' || epk.crv !== 'P-256') return null;
  const x = readCoordinate(epk.x, tools);
  const y = readCoordinate(epk.y, tools);
  return x === null || y === null ? null : { x, y };
}

function readCoordinate(value: JsonValue | undefined, tools: ByteTools): Uint8Array | null {
  return typeof value === 'string' && value.length === COORDINATE_LENGTH
    ? tools.decodeBase64Url(value)
    : null;
}

/** Step 7 up to the signature: the same checks on the signed text inside. Throws for a header that is not strict JSON. */
export function readSigned(
  plaintext: Uint8Array,
  outer: OuterKey,
  state: KeyringState,
  now: number,
  tools: ByteTools,
): SignedText | null {
  const text = decodeUtf8(plaintext);
  if (text === null || !NESTED.test(text)) return null;
  const [headerPart, payloadPart, signaturePart] = text.split('.') as [string, string, string];
  if (headerPart.length > MAX_HEADER_LENGTH || signaturePart.length !== SIGNATURE_LENGTH) return null;
  const headerBytes = tools.decodeBase64Url(headerPart);
  const payload = tools.decodeBase64Url(payloadPart);
  const signature = tools.decodeBase64Url(signaturePart);
  if (headerBytes === null || payload === null || signature === null) return null;
  const header = readHeader(headerBytes);
  if (header === null || !hasExactly(header, SIGNED_MEMBERS)) return null;
  if (header.alg !== 'ES256' || header.typ !== TOKEN_TYPE || typeof header.kid !== 'string') return null;
  const signer = state.signers.get(header.kid);
  // an issuer of one file may not speak through the encryption key of another
  if (signer === undefined || signer.origin !== outer.origin) return null;
  if (hasEnded(signer.entry, now)) return null;
  return { signer, text, signedLength: text.length - SIGNATURE_LENGTH - 1, payload, signature };
}

/** Step 8: the claims, and that they are this issuer's for this relay. `signer` for `ecc`. */
export function finishOpening(
  bytes: Uint8Array,
  keys: { outer: OuterKey; signer: SignerKey | null; issuer: IssuerEntry },
  now: number,
  tools: ByteTools,
): OpenedToken | null {
  const parsed = parseClaims(bytes);
  if (parsed === null) return null;
  const { claims, unknown } = parsed;
  const { outer, signer, issuer } = keys;
  if (claims.iss !== issuer.iss || claims.aud !== outer.aud) return null;
  if (claims.iat > now + CLOCK_SKEW_SECONDS) return null;
  const { kid } = outer.entry;
  return {
    claims,
    unknown,
    kid,
    ...(signer === null ? {} : { signerKid: signer.entry.kid }),
    claimsDigest: tools.digest(bytes),
    id: `${kid}:${claims.jti.slice(0, 8)}`,
  };
}

/** Whether a key's `until` has come. */
export function hasEnded(entry: KeyEntry, now: number): boolean {
  return entry.until !== undefined && entry.until <= now;
}
