/** Short-lived tokens: signed here or fetched from the provider's token endpoint, by one of its documented grants. */
import { SignJWT } from 'jose';
import { encodeUtf8, parseStrictJson, Secret } from 'relayapi-token';
import type { ServiceAccountGrant, SignedToken, TokenRequest } from '../providers/provider.ts';
import type { CredentialFault, FetchToken, Ingredients } from './credential.ts';
import { isFault } from './credential.ts';
import { base64, readPkcs8 } from './crypto.ts';
import { encodePairs, fill, type Values } from './fill.ts';

/** A token and when it ends, in wall milliseconds. */
export interface ShortLived {
  readonly token: Secret;
  readonly endsAtMs: number;
}

/** What a token is made with. */
export interface MintingPorts {
  readonly nowMs: number;
  readonly fetchToken: FetchToken;
  /** A UUID for requests that must name themselves. */
  readonly newId: () => string;
}

const GOOGLE_TOKEN = { origin: 'https://oauth2.googleapis.com', path: '/token' } as const;
const GOOGLE_LIFE_SECONDS = 3600;
const MOST_TOKEN_CHARACTERS = 16_384;
const NOT_A_TOKEN: CredentialFault = { fault: 'invalid', reason: 'the token endpoint named no token' };

/** A token by the grant of the scheme. */
export function mintToken(
  { scheme, parts, vars }: Ingredients,
  ports: MintingPorts,
): Promise<ShortLived | CredentialFault> {
  if (scheme.kind !== 'exchanged') throw new Error('no token');
  const values: Values = { ...vars, ...parts };
  switch (scheme.by.kind) {
    case 'google-service-account':
      return grantServiceAccount(scheme.by, values, ports);
    case 'request':
      return requestToken(scheme.by, values, ports);
    case 'jwt':
      return signToken(scheme.by, values, ports.nowMs);
  }
}

/** RFC 7523 §2.1 as Google has it: an assertion of the service account for an access token. */
async function grantServiceAccount(
  { scopes }: ServiceAccountGrant,
  values: Values,
  ports: MintingPorts,
): Promise<ShortLived | CredentialFault> {
  const now = Math.floor(ports.nowMs / 1000);
  const key = await importRsa(fill('{private_key}', values));
  if (key === null) return { fault: 'refused', reason: 'the private key is no PKCS #8 key' };
  const assertion = await new SignJWT({ scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(fill('{client_email}', values))
    .setAudience(GOOGLE_TOKEN.origin + GOOGLE_TOKEN.path)
    .setIssuedAt(now)
    .setExpirationTime(now + GOOGLE_LIFE_SECONDS)
    .sign(key);
  const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const body = encodePairs([
    ['grant_type', grant],
    ['assertion', assertion],
  ]);
  return readReply(
    await ports.fetchToken({
      method: 'POST',
      ...GOOGLE_TOKEN,
      headers: ['content-type', 'application/x-www-form-urlencoded', 'accept', 'application/json'],
      body: encodeUtf8(body),
    }),
    { tokenAt: ['access_token'], life: { at: ['expires_in'], unit: 'seconds' } },
    ports.nowMs,
  );
}

async function importRsa(text: string): Promise<CryptoKey | null> {
  try {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const bytes = readPkcs8(text) as Uint8Array<ArrayBuffer>;
    return await crypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign']);
  } catch {
    // whatever it is, it is no such key
    return null;
  }
}

async function requestToken(
  by: TokenRequest,
  values: Values,
  ports: MintingPorts,
): Promise<ShortLived | CredentialFault> {
  const named: Values = { ...values, request_id: ports.newId() };
  const filled = (pairs: readonly (readonly [string, string])[]) =>
    pairs.map(([name, template]) => [name, fill(template, named)] as const);
  const url = new URL(fill(by.url, named));
  const query = by.query === undefined ? '' : `?${encodePairs(filled(by.query))}`;
  const headers = ['accept', 'application/json', ...filled(by.headers ?? []).flat()];
  if (by.basic !== undefined) {
    const pair = `${fill(by.basic.user, named)}:${fill(by.basic.password, named)}`;
    headers.push('authorization', `Basic ${base64(encodeUtf8(pair))}`);
  }
  const body = by.form === undefined ? null : encodeUtf8(encodePairs(filled(by.form)));
  if (body !== null) headers.push('content-type', 'application/x-www-form-urlencoded');
  const reply = await ports.fetchToken({
    method: by.method,
    origin: url.origin,
    path: url.pathname + query,
    headers,
    body,
  });
  return readReply(reply, by, ports.nowMs);
}

function readReply(
  reply: Awaited<ReturnType<FetchToken>>,
  { tokenAt, life }: Pick<TokenRequest, 'tokenAt' | 'life'>,
  nowMs: number,
): ShortLived | CredentialFault {
  if (isFault(reply)) return reply;
  // what it says beside its status may repeat what was sent
  const reason = `the token endpoint answered ${reply.status}`;
  if (reply.status === 429 || reply.status >= 500) return { fault: 'unreachable', reason };
  if (reply.status < 200 || reply.status > 299) return { fault: 'refused', reason };
  let answer: unknown;
  try {
    answer = parseStrictJson(reply.body);
  } catch {
    return NOT_A_TOKEN;
  }
  const token = memberOf(answer, tokenAt);
  if (typeof token !== 'string' || token.length > MOST_TOKEN_CHARACTERS || !/^[\x21-\x7e]+$/.test(token)) {
    return NOT_A_TOKEN;
  }
  return { token: new Secret(token), endsAtMs: endOf(answer, life, nowMs) };
}

const UNKNOWN_LIFE_SECONDS = 300;

function endOf(answer: unknown, life: TokenRequest['life'], nowMs: number): number {
  if ('seconds' in life) return nowMs + life.seconds * 1000;
  const value = Number(memberOf(answer, life.at));
  if (!(value > 0)) return nowMs + UNKNOWN_LIFE_SECONDS * 1000;
  if (life.unit === 'seconds') return nowMs + value * 1000;
  return life.unit === 'epoch-ms' ? value : value * 1000;
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
  values: Values,
  nowMs: number,
): Promise<ShortLived | CredentialFault> {
  const unit = by.timesIn === 'seconds' ? 1000 : 1;
  const endsAtMs = nowMs + by.lifeSeconds * 1000;
  const claims = Object.entries(by.claims).map(([name, claim]) => {
    if (typeof claim === 'string') return [name, fill(claim, values)];
    const atMs = (claim.time === 'now' ? nowMs : endsAtMs) + (claim.plusSeconds ?? 0) * 1000;
    return [name, Math.floor(atMs / unit)];
  });
  const secret = fill(`{${by.secret}}`, values);
  const key = by.alg === 'HS256' ? encodeUtf8(secret) : await importRsa(secret);
  if (key === null) return { fault: 'refused', reason: 'the private key is no PKCS #8 key' };
  const token = await new SignJWT(Object.fromEntries(claims))
    .setProtectedHeader({ alg: by.alg, ...by.header })
    .sign(key);
  return { token: new Secret(token), endsAtMs };
}
