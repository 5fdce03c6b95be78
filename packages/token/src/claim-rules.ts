/**
 * The form of each claim, one rule each (token spec §4 step 8, §5). Pure syntax: no clock, no key file, no registry.
 */
import { decodeBase64Url, encodeUtf8 } from './bytes.ts';
import { isIpBlock } from './ip-syntax.ts';
import type { JsonValue } from './strict-json.ts';

/** Null when the value is well formed, else the part at fault: `` (the claim itself) or `.member`. */
export type Check = (value: JsonValue) => string | null;

/** A rule and the sentence that says what it wants. */
export interface ClaimRule {
  check: Check;
  expects: string;
}

type JsonObject = { [k: string]: JsonValue };

const NAME = /^[\x21-\x7e]{1,128}$/;
const ITEM = /^[\x20-\x7e]{1,128}$/;
const KEY = /^[\x21-\x7e]{1,512}$/;
const CREDENTIAL = /^[\x21-\x7e]{1,2048}$/;
const JTI = /^[A-Za-z0-9_-]{16,64}$/;
const PROVIDER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const VAULT = /^[A-Za-z0-9._-]{1,128}$/;
const FIELD = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const VAR = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const PATH = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE) (\/[\x21-\x7e]*)$/;
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/[\x21-\x7e]+$/;
/** Hosts that every browser writes as they stand here: no digits at the start of the last label, no punycode, no port. */
const PLAIN_ORIGIN = /^https?:\/\/(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)*[a-z][a-z0-9]*$/;
const FIRST = /^first(?:\/([1-9][0-9]?),([1-9][0-9]{0,2}))?$/;
const MAX_ITEMS = 64;
const MAX_META_BYTES = 512;

/** Whether a JSON value is an object (not a list, not null). */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is a whole number from 0 to 2^53 - 1. */
export function isCount(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether a text may name an issuer, a relay or a subject. */
export function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/** Whether a text may name a provider of the registry. */
export function isProviderName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && PROVIDER.test(value);
}

/** Whether a text may name a vault entry. */
export function isVaultName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && VAULT.test(value);
}

/** `[count, seconds]`, both at least 1. */
export function isRate(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((n) => isCount(n) && n >= 1);
}

/** `POST /chat/completions`, exact or with a trailing `/*`. */
export function isPathEntry(text: string): boolean {
  const path = PATH.exec(text)?.[1];
  if (path === undefined) return false;
  const fixed = path.endsWith('/*') ? path.slice(0, -1) : path;
  if (/[*?#\\;]/.test(fixed)) return false;
  const inner = fixed.slice(1, fixed.endsWith('/') ? -1 : undefined);
  return inner === '' ? fixed === '/' : inner.split('/').every((s) => s !== '' && s !== '.' && s !== '..');
}

/** An origin exactly as a browser sends it, or `none`. `null` may not be listed. */
function isOrigin(text: string): boolean {
  if (text === 'none' || PLAIN_ORIGIN.test(text)) return true;
  const scheme = ORIGIN.exec(text)?.[1];
  if (scheme === undefined || /[/?#\\@*]/.test(text.slice(scheme.length + 3))) return false;
  if (scheme !== 'http' && scheme !== 'https') return text === text.toLowerCase();
  return parseUrl(text)?.origin === text;
}

/** The URL, or null. */
export function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** An https URL without user information, query or fragment. */
function isBase(value: JsonValue): boolean {
  if (typeof value !== 'string' || !KEY.test(value) || /[?#\\]/.test(value)) return false;
  const url = parseUrl(value);
  return url !== null && url.protocol === 'https:' && url.username === '' && url.password === '';
}

const fine = (ok: boolean): string | null => (ok ? null : '');
const text =
  (pattern: RegExp): Check =>
  (value) =>
    fine(typeof value === 'string' && pattern.test(value));
const word =
  (...words: string[]): Check =>
  (value) =>
    fine(typeof value === 'string' && words.includes(value));
const count: Check = (value) => fine(isCount(value));

function list(isItem: (item: string) => boolean): Check {
  return (value) =>
    fine(
      Array.isArray(value) &&
        value.length <= MAX_ITEMS &&
        value.every((item) => typeof item === 'string' && ITEM.test(item) && isItem(item)),
    );
}

const countryList = list((code) => /^[A-Z]{2}$/.test(code));

/** Each member by its own rule; a member without one is at fault. */
function members(value: JsonObject, rules: Readonly<Record<string, Check>>): string | null {
  for (const name of Object.keys(value)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    const fault = rule === undefined ? '' : rule(value[name] as JsonValue);
    if (fault !== null) return `.${name}${fault}`;
  }
  return null;
}

/** An object of 1 to `most` members whose names match and whose values pass. */
function record(name: RegExp, most: number, check: Check): Check {
  return (value) => {
    if (!isObject(value)) return '';
    const names = Object.keys(value);
    if (names.length === 0 || names.length > most) return '';
    for (const key of names) {
      if (!name.test(key) || check(value[key] as JsonValue) !== null) return `.${key}`;
    }
    return null;
  };
}

const upstreamMembers: Readonly<Record<string, Check>> = {
  provider: (value) => fine(isProviderName(value)),
  key: text(KEY),
  credential: record(FIELD, 16, text(CREDENTIAL)),
  vault: (value) => fine(isVaultName(value)),
  vars: record(FIELD, 16, text(VAR)),
  base: (value) => fine(isBase(value)),
};

const oneUpstream: Check = (value) => {
  if (!isObject(value)) return '';
  if (!('provider' in value)) return '.provider';
  const fault = members(value, upstreamMembers);
  if (fault !== null) return fault;
  if ('base' in value && 'vault' in value) return '.base';
  return fine(['key', 'credential', 'vault'].filter((name) => name in value).length === 1);
};

const upstream: Check = (value) => {
  if (!Array.isArray(value)) return oneUpstream(value);
  if (value.length === 0 || value.length > MAX_ITEMS) return '';
  for (const item of value) {
    const fault = oneUpstream(item);
    if (fault !== null) return fault;
  }
  return null;
};

const ips: Check = (value) => {
  if (typeof value !== 'string') return list(isIpBlock)(value);
  const match = FIRST.exec(value);
  return fine(match !== null && Number(match[1] ?? 1) <= 32 && Number(match[2] ?? 1) <= 128);
};

const cnf: Check = (value) => {
  if (!isObject(value) || !('jkt' in value)) return '';
  return members(value, {
    jkt: (jkt) => fine(typeof jkt === 'string' && jkt.length === 43 && decodeBase64Url(jkt) !== null),
  });
};

const bodyMembers =
  (check: Check): Check =>
  (value) => {
    if (!isObject(value)) return '';
    const names = Object.keys(value);
    if (names.length > MAX_ITEMS || names.some((name) => name === '' || name.length > 128)) return '';
    for (const name of names) if (check(value[name] as JsonValue) !== null) return `.${name}`;
    return null;
  };

const meta: Check = (value) => fine(encodeUtf8(JSON.stringify(value)).length <= MAX_META_BYTES);

const LIST = 'must be a list of at most 64 items of at most 128 printable characters';
const nameRule: ClaimRule = {
  check: (v) => fine(isName(v)),
  expects: 'must be 1 to 128 printable ASCII characters without spaces',
};
const timeRule: ClaimRule = { check: count, expects: 'must be a time in whole seconds' };

/** Every claim but `limits`. */
export const CLAIM_RULES: Readonly<Record<string, ClaimRule>> = {
  iss: nameRule,
  aud: nameRule,
  sub: nameRule,
  jti: {
    check: text(JTI),
    expects: 'must be 16 to 64 base64url characters, at least 96 bits of them random',
  },
  iat: timeRule,
  exp: timeRule,
  nbf: timeRule,
  cnf: { check: cnf, expects: 'must be an object with a jkt of 43 base64url characters and nothing else' },
  upstream: {
    check: upstream,
    expects:
      'must be an object (or a list of them) with provider, exactly one of key, credential and vault, and at most vars and an https base beside',
  },
  models: {
    check: list((m) => !/\s/.test(m) && !m.slice(0, -1).includes('*')),
    expects: `${LIST}, a star only at an item's end`,
  },
  paths: { check: list(isPathEntry), expects: `${LIST}, each a method and a path, exact or ending in /*` },
  features: { check: list((f) => !/\s/.test(f)), expects: LIST },
  origins: { check: list(isOrigin), expects: `${LIST}, each an exact origin or "none"` },
  ips: { check: ips, expects: `${LIST}, each an address or a block, or the word "first"` },
  set: { check: bodyMembers(() => null), expects: 'must be an object of at most 64 body members' },
  cap: {
    check: bodyMembers(count),
    expects: 'must be an object of at most 64 body members, each a whole number',
  },
  countries: {
    check: (value) => (Array.isArray(value) && value.length === 0 ? '' : countryList(value)),
    expects: `${LIST}, at least one, each two capital letters`,
  },
  replay: {
    check: word('nonce', 'idempotency'),
    expects: 'must be "nonce" or "idempotency", and needs limits.calls or limits.attempts',
  },
  store_down: { check: word('closed', 'open'), expects: 'must be "closed" or "open"' },
  meta: { check: meta, expects: 'must be at most 512 bytes of JSON' },
};

const countRule: ClaimRule = { check: count, expects: 'must be a whole number from 0 to 2^53 - 1' };

/** Every member of `limits`. */
export const LIMIT_RULES: Readonly<Record<string, ClaimRule>> = {
  calls: countRule,
  attempts: countRule,
  rate: { check: (v) => fine(isRate(v)), expects: 'must be [count, seconds], both whole numbers above 0' },
  concurrency: countRule,
  tokens: countRule,
  micro_usd: countRule,
  request_bytes: countRule,
  response_bytes: countRule,
  stream_seconds: countRule,
};

/** Claims without which no token is one. */
export const REQUIRED_CLAIMS = ['iss', 'aud', 'jti', 'iat', 'exp', 'upstream'] as const;
