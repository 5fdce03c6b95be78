/**
 * Opens tokens: strict checks first, then jose on the platform's native cryptography (token spec §4 steps 1 to 8).
 * Every failure is the same `null`; whoever presents a bad token learns nothing.
 */
import { compactDecrypt, compactVerify } from 'jose';
import { decodeBase64Url, decodeUtf8, encodeBase64Url, sha256 } from './bytes.ts';
import { type Claims, parseClaims } from './claims.ts';
import {
  type IssuerEntry,
  type KeyEntry,
  type Keyring,
  type KeyringState,
  type OuterKey,
  stateOf,
} from './keyring.ts';
import { revealText, type Secret } from './secret.ts';
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
const AES_OPTIONS = { keyManagementAlgorithms: ['A256KW'], contentEncryptionAlgorithms: ['A256GCM'] };
const ECC_OPTIONS = { keyManagementAlgorithms: ['ECDH-ES+A256KW'], contentEncryptionAlgorithms: ['A256GCM'] };

/** Opens a token; null = `token_invalid`, for whatever reason. `now` in seconds. Never throws, never rejects. */
export async function openToken(
  token: string | Secret,
  keyring: Keyring,
  options: { now: number },
): Promise<OpenedToken | null> {
  try {
    return await openChecked(revealText(token), stateOf(keyring), options.now);
  } catch {
    // jose throws many kinds of errors, a plain TypeError among them; none may be told from another
    return null;
  }
}

async function openChecked(text: string, state: KeyringState, now: number): Promise<OpenedToken | null> {
  if (!isTokenShaped(text)) return null;
  const parts = text.split('.');
  if (!arePartsSound(parts)) return null;
  const header = readHeader(parts[0] as string);
  if (header === null || typeof header.kid !== 'string') return null;
  const outer = state.outer.get(header.kid);
  if (outer === undefined || hasEnded(outer.entry, now)) return null;
  if (outer.entry.method === 'aes') {
    if (outer.issuer === null || !isAesHeader(header)) return null;
    const { plaintext } = await compactDecrypt(text, outer.key, AES_OPTIONS);
    return finish(plaintext, outer, outer.issuer, now);
  }
  if (!isEccHeader(header)) return null;
  const { plaintext } = await compactDecrypt(text, outer.key, ECC_OPTIONS);
  return openNested(plaintext, outer, state, now);
}

/** Step 3: every part canonical, and of the size its algorithm gives it. */
function arePartsSound(parts: readonly string[]): boolean {
  const [header, wrapped, iv, , tag] = parts as [string, string, string, string, string];
  if (header.length > MAX_HEADER_LENGTH) return false;
  if (wrapped.length !== KEY_LENGTH || iv.length !== IV_LENGTH || tag.length !== TAG_LENGTH) return false;
  return parts.every((part) => decodeBase64Url(part) !== null);
}

type Header = { [k: string]: JsonValue };

/** Step 4: a header through the strict parser; null when it is no JSON object. */
function readHeader(part: string): Header | null {
  const bytes = decodeBase64Url(part);
  if (bytes === null) return null;
  const header = parseStrictJson(bytes, { maxDepth: 4, maxMembers: 16 });
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
    header.cty === 'JWT' &&
    isEphemeralKey(header.epk)
  );
}

/** The form alone: whether the point is on the curve the platform checks as it imports it. */
function isEphemeralKey(epk: JsonValue | undefined): boolean {
  if (typeof epk !== 'object' || epk === null || Array.isArray(epk)) return false;
  return (
    hasExactly(epk, EPK_MEMBERS) &&
    epk.kty === 'EC' &&
    epk.crv === 'P-256' &&
    isCoordinate(epk.x) &&
    isCoordinate(epk.y)
  );
}

function isCoordinate(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && value.length === COORDINATE_LENGTH && decodeBase64Url(value) !== null;
}

/** Step 7: the same checks on the signed text inside, then ES256. */
async function openNested(
  plaintext: Uint8Array,
  outer: OuterKey,
  state: KeyringState,
  now: number,
): Promise<OpenedToken | null> {
  const signed = decodeUtf8(plaintext);
  if (signed === null || !NESTED.test(signed)) return null;
  const parts = signed.split('.');
  const [headerPart, , signature] = parts as [string, string, string];
  if (headerPart.length > MAX_HEADER_LENGTH || signature.length !== SIGNATURE_LENGTH) return null;
  if (!parts.every((part) => decodeBase64Url(part) !== null)) return null;
  const header = readHeader(headerPart);
  if (header === null || !hasExactly(header, SIGNED_MEMBERS)) return null;
  if (header.alg !== 'ES256' || header.typ !== TOKEN_TYPE || typeof header.kid !== 'string') return null;
  const signer = state.signers.get(header.kid);
  // an issuer of one file may not speak through the encryption key of another
  if (signer === undefined || signer.origin !== outer.origin) return null;
  if (hasEnded(signer.entry, now)) return null;
  const { payload } = await compactVerify(signed, signer.key, { algorithms: ['ES256'] });
  return finish(payload, outer, signer.issuer, now, header.kid);
}

/** Step 8: the claims, and that they are this issuer's for this relay. */
function finish(
  bytes: Uint8Array,
  outer: OuterKey,
  issuer: IssuerEntry,
  now: number,
  signerKid?: string,
): OpenedToken | null {
  const parsed = parseClaims(bytes);
  if (parsed === null) return null;
  const { claims, unknown } = parsed;
  if (claims.iss !== issuer.iss || claims.aud !== outer.aud) return null;
  if (claims.iat > now + CLOCK_SKEW_SECONDS) return null;
  const { kid } = outer.entry;
  return {
    claims,
    unknown,
    kid,
    ...(signerKid === undefined ? {} : { signerKid }),
    claimsDigest: encodeBase64Url(sha256(bytes)),
    id: `${kid}:${claims.jti.slice(0, 8)}`,
  };
}

/** Whether a key's `until` has come. */
export function hasEnded(entry: KeyEntry, now: number): boolean {
  return entry.until !== undefined && entry.until <= now;
}
