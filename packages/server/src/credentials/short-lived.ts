/** Short-lived tokens: signed here or fetched from the provider's token endpoint, by one of its documented grants. */
import { SignJWT } from 'jose';
import { encodeUtf8, parseStrictJson, Secret } from 'relayapi-token';
import type { ExchangedAuth, ServiceAccountGrant, SignedToken, TokenRequest } from '../providers/provider.ts';
import { type CredentialFault, type FetchToken, type Ingredients, isFault } from './credential.ts';
import { base64, importRsa } from './crypto.ts';
import { encodePairs, fill, type Values } from './fill.ts';
import { partOf } from './signing.ts';

/** A token and how long it is good for from now on. */
export interface ShortLived {
  readonly token: Secret;
  readonly lifeMs: number;
}

/** What a token is made with. */
export interface MintingPorts {
  /** Wall milliseconds. */
  readonly nowMs: number;
  readonly fetchToken: FetchToken;
  /** A UUID for requests that must name themselves. */
  readonly newId: () => string;
}

/** Where the parts are no key of the kind that is asked for. */
export const UNUSABLE: CredentialFault = {
  fault: 'unusable',
  reason: 'the credential holds no RSA private key in PKCS #8',
};

const GOOGLE_TOKEN = { origin: 'https://oauth2.googleapis.com', path: '/token' } as const;
const GOOGLE_LIFE_SECONDS = 3600;
const FORM = ['content-type', 'application/x-www-form-urlencoded'] as const;
const JSON_ANSWER = ['accept', 'application/json'] as const;
const MOST_TOKEN_CHARACTERS = 16_384;
const NOT_A_TOKEN: CredentialFault = { fault: 'invalid', reason: 'the token endpoint named no token' };
/** The life of a token whose answer names none, or one that is over: then a clock is wrong. */
const UNKNOWN_LIFE_MS = 300_000;

type Given = Pick<Ingredients, 'parts' | 'vars'>;

/** A token by this grant. */
export function mintToken(
  by: ExchangedAuth['by'],
  given: Given,
  ports: MintingPorts,
): Promise<ShortLived | CredentialFault> {
  switch (by.kind) {
    case 'google-service-account':
      return grantServiceAccount(by, given, ports);
    case 'request':
      return requestToken(by, given, ports);
    case 'jwt':
      return signToken(by, given, ports.nowMs);
  }
}

/** RFC 7523 §2.1 as Google has it: an assertion of the service account for an access token. */
async function grantServiceAccount(
  { scopes }: ServiceAccountGrant,
  { parts }: Given,
  { nowMs, fetchToken }: MintingPorts,
): Promise<ShortLived | CredentialFault> {
  const now = Math.floor(nowMs / 1000);
  const by = await importRsa(partOf(parts, 'private_key'));
  if (by === null) return UNUSABLE;
  const unsigned = new SignJWT({ scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(fill('{client_email}', parts))
    .setAudience(GOOGLE_TOKEN.origin + GOOGLE_TOKEN.path)
    .setIssuedAt(now)
    .setExpirationTime(now + GOOGLE_LIFE_SECONDS);
  const assertion = await signed(unsigned, by);
  if (assertion === null) return UNUSABLE;
  const body = encodePairs([
    ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
    ['assertion', assertion],
  ]);
  const headers = [...FORM, ...JSON_ANSWER];
  const reply = await fetchToken({ method: 'POST', ...GOOGLE_TOKEN, headers, body: encodeUtf8(body) });
  const life = { at: ['expires_in'], unit: 'seconds' } as const;
  return readReply(reply, { tokenAt: ['access_token'], life }, nowMs);
}

/** The compact form; null where jose will not sign with this key: an RSA key of under 2,048 bits. */
async function signed(unsigned: SignJWT, by: CryptoKey | Uint8Array): Promise<string | null> {
  try {
    return await unsigned.sign(by);
  } catch {
    return null;
  }
}

async function requestToken(
  by: TokenRequest,
  { parts, vars }: Given,
  { nowMs, fetchToken, newId }: MintingPorts,
): Promise<ShortLived | CredentialFault> {
  const values: Values = { ...vars, ...parts, request_id: newId() };
  const filled = (pairs: readonly (readonly [string, string])[] = []) =>
    pairs.map(([name, template]) => [name, fill(template, values)] as const);
  // the host is the entry's and its variables', which have patterns; no part of a credential has a say in it
  const url = new URL(fill(by.url, vars));
  const query = by.query === undefined ? url.search : `?${encodePairs(filled(by.query))}`;
  const headers: string[] = [...JSON_ANSWER, ...filled(by.headers).flat()];
  if (by.basic !== undefined) {
    const pair = `${fill(by.basic.user, values)}:${fill(by.basic.password, values)}`;
    headers.push('authorization', `Basic ${base64(encodeUtf8(pair))}`);
  }
  const body = by.form === undefined ? null : encodeUtf8(encodePairs(filled(by.form)));
  if (body !== null) headers.push(...FORM);
  const { origin, pathname } = url;
  const reply = await fetchToken({ method: by.method, origin, path: pathname + query, headers, body });
  return readReply(reply, by, nowMs);
}

function readReply(
  reply: Awaited<ReturnType<FetchToken>>,
  { tokenAt, life }: Pick<TokenRequest, 'tokenAt' | 'life'>,
  nowMs: number,
): ShortLived | CredentialFault {
  if (isFault(reply)) return reply;
  const { status } = reply;
  // what it says beside its status may repeat what was sent
  const reason = `the token endpoint answered ${status}`;
  if (status === 408 || status === 429 || status >= 500) return { fault: 'unreachable', reason };
  if (status >= 400) return { fault: 'refused', reason };
  if (status < 200 || status > 299) return { fault: 'invalid', reason };
  const answer = readJson(reply.body);
  const token = memberOf(answer, tokenAt);
  if (typeof token !== 'string' || token.length > MOST_TOKEN_CHARACTERS) return NOT_A_TOKEN;
  // it goes into a header
  if (!/^[\x21-\x7e]+$/.test(token)) return NOT_A_TOKEN;
  return { token: new Secret(token), lifeMs: lifeOf(answer, life, nowMs) };
}

function readJson(body: Uint8Array): unknown {
  try {
    return parseStrictJson(body);
  } catch {
    return null;
  }
}

function lifeOf(answer: unknown, life: TokenRequest['life'], nowMs: number): number {
  if ('seconds' in life) return life.seconds * 1000;
  const value = Number(memberOf(answer, life.at));
  const lifeMs =
    life.unit === 'seconds' ? value * 1000 : value * (life.unit === 'epoch-ms' ? 1 : 1000) - nowMs;
  return lifeMs > 0 ? lifeMs : UNKNOWN_LIFE_MS;
}

function memberOf(value: unknown, at: readonly string[]): unknown {
  let found = value;
  for (const name of at) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

async function signToken(
  by: SignedToken,
  { parts, vars }: Given,
  nowMs: number,
): Promise<ShortLived | CredentialFault> {
  const lifeMs = by.lifeSeconds * 1000;
  const unitMs = by.timesIn === 'seconds' ? 1000 : 1;
  const values: Values = { ...vars, ...parts };
  const claims = Object.entries(by.claims).map(([name, claim]) => {
    if (typeof claim === 'string') return [name, fill(claim, values)];
    const atMs = nowMs + (claim.time === 'now' ? 0 : lifeMs) + (claim.plusSeconds ?? 0) * 1000;
    return [name, Math.floor(atMs / unitMs)];
  });
  const signer =
    by.alg === 'HS256'
      ? encodeUtf8(fill(`{${by.secret}}`, parts))
      : await importRsa(partOf(parts, by.secret));
  if (signer === null) return UNUSABLE;
  const unsigned = new SignJWT(Object.fromEntries(claims)).setProtectedHeader({ alg: by.alg, ...by.header });
  const compact = await signed(unsigned, signer);
  return compact === null ? UNUSABLE : { token: new Secret(compact), lifeMs };
}
