/**
 * A slow, plain twin of the opener: token spec §4 steps 1 to 8 read once more, on @noble and node:crypto's digest alone. Shares no
 * line with src/ and prefers the obvious to the fast, so that where the two disagree one of them misreads the page.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { aeskw, gcm } from '@noble/ciphers/aes.js';
import { p256 } from '@noble/curves/nist.js';

/** A JWK of a relay file. */
interface TwinKey {
  readonly kid: string;
  readonly kty: string;
  readonly k?: string;
  readonly d?: string;
  readonly x?: string;
  readonly y?: string;
  readonly until?: number;
}

/** A relay file as plain data; only what opening reads. */
export interface TwinFile {
  readonly method: 'aes' | 'ecc';
  readonly aud: string;
  readonly iss?: string;
  readonly keys: readonly TwinKey[];
  readonly issuers?: readonly { readonly iss: string; readonly keys: readonly TwinKey[] }[];
}

type Json = null | boolean | number | string | Json[] | Map<string, Json>;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

class Refused extends Error {}
function demand(condition: boolean): asserts condition {
  if (!condition) throw new Refused();
}

/** The text of the claims where §4 lets the token through steps 1 to 8, else null. */
export function openPlainly(token: string, files: readonly TwinFile[], now: number): string | null {
  try {
    return open(token, files, now);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw error;
    return null;
  }
}

function open(token: string, files: readonly TwinFile[], now: number): string {
  demand(token.length <= 4096); // step 1
  const parts = token.split('.');
  demand(parts.length === 5); // step 2
  const [header = '', key = '', iv = '', text = '', tag = ''] = parts;
  demand(header.length <= 700 && key.length === 54 && iv.length === 16 && tag.length === 22); // step 3
  const [headerBytes, wrapped, nonce, sealed, mac] = [header, key, iv, text, tag].map(fromBase64Url) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const outer = members(readJson(headerBytes)); // step 4
  const kid = outer.get('kid');
  const file = files.find(({ keys }) => keys.some((one) => one.kid === kid)); // step 5
  demand(file !== undefined);
  const own = file.keys.find((one) => one.kid === kid) as TwinKey;
  demand(own.until === undefined || own.until > now);
  const aes = file.method === 'aes';
  demand(outer.get('alg') === (aes ? 'A256KW' : 'ECDH-ES+A256KW') && outer.get('enc') === 'A256GCM');
  demand(outer.get('typ') === 'rai+jwt');
  demand(outer.size === (aes ? 4 : 6) && (aes || (outer.get('cty') === 'JWT' && outer.has('epk'))));
  const kek = aes ? fromBase64Url(own.k as string) : agree(outer.get('epk') as Json, own); // step 6
  const cek = aeskw(kek).decrypt(wrapped); // RFC 3394; RFC 7518 §4.4
  demand(cek.length === 32); // RFC 7518 §5.3
  const joined = new Uint8Array([...sealed, ...mac]);
  const plain = gcm(cek, nonce, new TextEncoder().encode(header)).decrypt(joined); // RFC 7516 §5.2
  if (aes) return checkClaims(plain, file.iss as string, file.aud, now);
  const { payload, iss } = verify(plain, file, now); // step 7
  return checkClaims(payload, iss, file.aud, now);
}

/** RFC 7518 §4.6: one round of Concat KDF over Z, no apu, no apv. */
function agree(epk: Json, own: TwinKey): Uint8Array {
  const point = members(epk);
  const [x, y] = [point.get('x'), point.get('y')];
  demand(point.size === 4 && point.get('kty') === 'EC' && point.get('crv') === 'P-256');
  demand(typeof x === 'string' && typeof y === 'string' && x.length === 43 && y.length === 43);
  const theirs = p256.Point.fromBytes(new Uint8Array([4, ...fromBase64Url(x), ...fromBase64Url(y)]));
  theirs.assertValidity();
  const z = p256.getSharedSecret(fromBase64Url(own.d as string), theirs.toBytes(false)).slice(1, 33);
  const alg = new TextEncoder().encode('ECDH-ES+A256KW');
  const info = [0, 0, 0, alg.length, ...alg, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
  return createHash('sha256')
    .update(new Uint8Array([0, 0, 0, 1, ...z, ...info]))
    .digest();
}

/** RFC 7515 §5.2 with the members of token spec §3. */
function verify(plain: Uint8Array, file: TwinFile, now: number): { payload: Uint8Array; iss: string } {
  const jws = toText(plain);
  const parts = jws.split('.');
  demand(parts.length === 3 && parts.every((part) => part !== ''));
  const [header = '', payload = '', signature = ''] = parts;
  demand(header.length <= 700 && signature.length === 86);
  const inner = members(readJson(fromBase64Url(header)));
  demand(inner.size === 3 && inner.get('alg') === 'ES256' && inner.get('typ') === 'rai+jwt');
  const issuer = file.issuers?.find(({ keys }) => keys.some(({ kid }) => kid === inner.get('kid')));
  demand(issuer !== undefined);
  const key = issuer.keys.find(({ kid }) => kid === inner.get('kid')) as TwinKey;
  demand(key.until === undefined || key.until > now);
  const point = new Uint8Array([4, ...fromBase64Url(key.x as string), ...fromBase64Url(key.y as string)]);
  const message = new TextEncoder().encode(`${header}.${payload}`);
  demand(p256.verify(fromBase64Url(signature), message, point, { lowS: false }));
  return { payload: fromBase64Url(payload), iss: issuer.iss };
}

/** Step 8. Unknown claims and limits pass: they are step 9's. */
function checkClaims(bytes: Uint8Array, iss: string, aud: string, now: number): string {
  const claims = members(readJson(bytes));
  const name = (value: Json | undefined) => typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value);
  const count = (value: Json | undefined): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0;
  const [iat, exp, nbf] = [claims.get('iat'), claims.get('exp'), claims.get('nbf')];
  demand(claims.get('iss') === iss && name(claims.get('iss')) && claims.get('aud') === aud);
  const jti = claims.get('jti');
  demand(typeof jti === 'string' && /^[A-Za-z0-9_-]{16,64}$/.test(jti));
  demand(count(iat) && count(exp) && iat < exp && iat <= now + 60);
  demand(nbf === undefined || (count(nbf) && nbf < exp));
  demand(!claims.has('sub') || name(claims.get('sub')));
  checkUpstream(claims.get('upstream'));
  checkOthers(claims);
  return toText(bytes);
}

/** §5, `upstream`. */
function checkUpstream(value: Json | undefined): void {
  const list = Array.isArray(value) ? value : [value as Json];
  demand(list.length > 0 && list.length <= 64);
  for (const one of list.map(members)) {
    const text = (member: string, pattern: RegExp) =>
      !one.has(member) || pattern.test(asText(one.get(member)));
    demand(
      [...one.keys()].every((member) =>
        ['provider', 'key', 'credential', 'vault', 'vars', 'base'].includes(member),
      ),
    );
    demand(one.has('provider') && text('provider', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));
    demand(text('key', /^[\x21-\x7e]{1,512}$/) && text('vault', /^[A-Za-z0-9._-]{1,128}$/));
    demand(['key', 'credential', 'vault'].filter((member) => one.has(member)).length === 1);
    demand(!(one.has('base') && one.has('vault')));
    if (one.has('base')) checkBase(asText(one.get('base')));
    for (const member of ['credential', 'vars'])
      if (one.has(member)) checkParts(member, members(one.get(member)));
  }
}

function checkBase(base: string): void {
  demand(/^[\x21-\x7e]{1,512}$/.test(base) && !/[?#\\]/.test(base) && URL.canParse(base));
  const { protocol, username, password } = new URL(base);
  demand(protocol === 'https:' && username === '' && password === '');
}

function checkParts(member: string, parts: Map<string, Json>): void {
  const pattern = member === 'vars' ? /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/ : /^[\x21-\x7e]{1,2048}$/;
  demand(parts.size > 0 && parts.size <= 16);
  for (const [name, value] of parts)
    demand(/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) && pattern.test(asText(value)));
}

const COUNTS =
  'calls attempts concurrency tokens micro_usd request_bytes response_bytes stream_seconds'.split(' ');
const LISTS = 'models paths features origins countries'.split(' ');

/** §5, types of the other known claims. */
function checkOthers(claims: Map<string, Json>): void {
  const limits = claims.has('limits') ? members(claims.get('limits')) : new Map<string, Json>();
  const count = (value: Json | undefined) => Number.isSafeInteger(value) && (value as number) >= 0;
  for (const name of COUNTS) demand(!limits.has(name) || count(limits.get(name)));
  const rate = limits.get('rate');
  demand(
    !limits.has('rate') ||
      (Array.isArray(rate) && rate.length === 2 && rate.every((n) => count(n) && (n as number) > 0)),
  );
  for (const name of LISTS) {
    if (!claims.has(name)) continue;
    const list = claims.get(name) as Json;
    demand(Array.isArray(list) && list.length <= 64);
    demand(name !== 'countries' || list.length > 0);
    for (const item of list) demand(/^[\x20-\x7e]{1,128}$/.test(asText(item)) && isItem(name, asText(item)));
  }
  checkRest(claims);
  const replay = claims.get('replay');
  demand(!claims.has('replay') || replay === 'nonce' || replay === 'idempotency');
  demand(!claims.has('replay') || limits.has('calls') || limits.has('attempts'));
  demand(!claims.has('store_down') || ['open', 'closed'].includes(claims.get('store_down') as string));
  for (const name of ['set', 'cap']) {
    if (!claims.has(name)) continue;
    const held = members(claims.get(name));
    demand(held.size <= 64 && [...held.keys()].every((key) => key !== '' && key.length <= 128));
    demand(name === 'set' || [...held.values()].every(count));
  }
}

function checkRest(claims: Map<string, Json>): void {
  const ips = claims.get('ips');
  if (typeof ips === 'string') {
    const [, v4 = '1', v6 = '1'] = /^first(?:\/([1-9]\d?),([1-9]\d{0,2}))?$/.exec(ips) ?? ['', '99'];
    demand(Number(v4) <= 32 && Number(v6) <= 128);
  } else if (claims.has('ips')) {
    demand(Array.isArray(ips) && ips.length <= 64);
    for (const ip of ips) demand(isBlock(asText(ip)));
  }
  if (claims.has('cnf')) {
    const cnf = members(claims.get('cnf'));
    demand(
      cnf.size === 1 &&
        asText(cnf.get('jkt')).length === 43 &&
        fromBase64Url(asText(cnf.get('jkt'))).length === 32,
    );
  }
  if (claims.has('meta'))
    demand(Buffer.byteLength(JSON.stringify(plainOf(claims.get('meta') as Json))) <= 512);
}

function isBlock(text: string): boolean {
  const [address = '', prefix] = text.split(/\/(.*)/s);
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0) return false;
  return (
    prefix === undefined ||
    (/^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
  );
}

function plainOf(value: Json): unknown {
  if (Array.isArray(value)) return value.map(plainOf);
  return value instanceof Map
    ? Object.fromEntries([...value].map(([name, held]) => [name, plainOf(held)]))
    : value;
}

function isOrigin(item: string): boolean {
  if (item === 'none') return true;
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#\\@*\s]+$/.test(item)) return false;
  if (!/^https?:/.test(item)) return item === item.toLowerCase();
  return URL.canParse(item) && new URL(item).origin === item;
}

function isItem(name: string, item: string): boolean {
  if (name === 'models') return !item.includes(' ') && !item.slice(0, -1).includes('*');
  if (name === 'features') return !item.includes(' ');
  if (name === 'countries') return /^[A-Z]{2}$/.test(item);
  if (name === 'origins') return isOrigin(item);
  const [, path = ''] = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE) (\/[\x21-\x7e]*)$/.exec(item) ?? [];
  const fixed = path.replace(/\*$/, (star) => (path.endsWith('/*') ? '' : star));
  if (path === '' || /[*?#\\;]/.test(fixed)) return false;
  const segments = fixed.slice(1).split('/');
  if (segments.length > 1 && segments.at(-1) === '') segments.pop();
  return fixed === '/' || segments.every((segment) => !['', '.', '..'].includes(segment));
}

function asText(value: Json | undefined): string {
  demand(typeof value === 'string');
  return value;
}

function members(value: Json | undefined): Map<string, Json> {
  demand(value instanceof Map);
  return value;
}

/** RFC 4648 §5, no padding, the one spelling of these bytes (step 3). */
function fromBase64Url(text: string): Uint8Array {
  demand(text !== '' && text.length % 4 !== 1);
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const c of text) {
    const value = ALPHABET.indexOf(c);
    demand(value !== -1);
    held = held * 64 + value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push(Math.floor(held / 2 ** bits));
    held %= 2 ** bits;
  }
  demand(held === 0);
  return Uint8Array.from(bytes);
}

/** UTF-8 without a BOM; fatal. */
function toText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  demand(Buffer.from(text).equals(bytes) && !text.startsWith('\ufeff'));
  return text;
}

/** Step 4: RFC 8259, with what the strict parser refuses on top: doubles, depth over 16, three names, numbers beyond IEEE 754. */
function readJson(bytes: Uint8Array): Json {
  let rest = toText(bytes);
  const take = (pattern: RegExp): string | null => {
    const found = pattern.exec(rest)?.[0] ?? null;
    if (found !== null) rest = rest.slice(found.length);
    return found;
  };
  const space = () => take(/^[ \t\r\n]*/);
  const read = (depth: number): Json => {
    space();
    const word = take(/^(?:null|true|false)/);
    if (word !== null) return JSON.parse(word) as Json;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 §7 names them
    const string = take(/^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/);
    if (string !== null) return JSON.parse(string) as string;
    const digits = take(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/);
    if (digits !== null) {
      demand(Number.isFinite(Number(digits)));
      return Number(digits);
    }
    const bracket = take(/^[[{]/);
    demand(bracket !== null && depth < 16);
    const [list, map, close] = [[] as Json[], new Map<string, Json>(), bracket === '[' ? /^\]/ : /^\}/];
    space();
    if (take(close) !== null) return bracket === '[' ? list : map;
    do {
      if (bracket === '[') list.push(read(depth + 1));
      else {
        space();
        demand(rest.startsWith('"'));
        const name = read(depth + 1) as string;
        space();
        demand(
          take(/^:/) !== null && !map.has(name) && !['__proto__', 'constructor', 'prototype'].includes(name),
        );
        map.set(name, read(depth + 1));
      }
      space();
    } while (take(/^,/) !== null);
    demand(take(close) !== null);
    return bracket === '[' ? list : map;
  };
  const value = read(0);
  space();
  demand(rest === '');
  return value;
}
