/**
 * `.rai` files: version 2 (issuer, relay, shared) and version 1 (loaded as shared) (token spec §7).
 * Works on text or parsed JSON; reading from a disk and file modes belong to the caller.
 */
import { encodeUtf8 } from './bytes.ts';
import { isName, parseUrl } from './claim-rules.ts';
import { type Problem, RaiError } from './errors.ts';
import { type EcPrivateKey, type KeyWant, readEcKey, readOctKey } from './keys.ts';
import { type Allow, type Revoke, readAllow, readRevoke } from './rai-allow.ts';
import type { EccIssuer, RaiFile } from './rai-file.ts';
import {
  below,
  type FieldRule,
  type JsonObject,
  type Place,
  readField,
  readObject,
  report,
} from './rai-problems.ts';
import { isVersion1, readVersion1 } from './rai-version1.ts';
import { type JsonValue, parseStrictJson, StrictJsonError } from './strict-json.ts';

const MEMBERS = {
  'issuer aes': ['relay', 'aud', 'iss', 'use', 'keys'],
  'relay aes': ['aud', 'iss', 'keys', 'allow', 'revoke'],
  'shared aes': ['relay', 'aud', 'iss', 'use', 'keys', 'allow', 'revoke'],
  'issuer ecc': ['relay', 'aud', 'iss', 'use', 'keys', 'sign'],
  'relay ecc': ['aud', 'keys', 'issuers'],
} as const;

type Kind = keyof typeof MEMBERS;

/** Reads a file's text, bytes or parsed JSON. Throws RaiError with every problem. */
export function parseRai(source: string | Uint8Array | object): RaiFile {
  const problems: Problem[] = [];
  const value = readSource(source, problems);
  const file = problems.length === 0 ? readFile(value, { problems, path: '$' }) : null;
  if (file === null || problems.length > 0) throw new RaiError(problems);
  return file;
}

/** The JSON of a source; on a problem, null. */
export function readSource(source: string | Uint8Array | object, problems: Problem[]): JsonValue {
  try {
    if (source instanceof Uint8Array) return parseStrictJson(source);
    // an object goes through text, so that what is checked is plain data
    return parseStrictJson(encodeUtf8(typeof source === 'string' ? source : JSON.stringify(source)));
  } catch (error) {
    const where =
      error instanceof StrictJsonError ? `${describe(error)} at byte ${error.offset}` : 'not JSON';
    problems.push({ path: '$', message: `is not strict JSON: ${where}`, fix: 'put the JSON right' });
    return null;
  }
}

function describe(error: StrictJsonError): string {
  const words = { utf8: 'not UTF-8', bom: 'a byte order mark', duplicate: 'a member named twice' };
  return words[error.reason as keyof typeof words] ?? error.reason.replace('_', ' ');
}

function readFile(value: JsonValue, place: Place): RaiFile | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(place, '', 'is not an object', 'a .rai file is one JSON object');
    return null;
  }
  if (isVersion1(value)) return readVersion1(value, place);
  if (value.rai !== 2) {
    report(place, '.rai', value.rai === undefined ? 'is missing' : 'must be 2', 'write "rai": 2');
    return null;
  }
  const kind = readKind(value, place);
  if (kind === null) return null;
  readObject(value, place, ['rai', 'role', 'method', ...MEMBERS[kind]]);
  return kind.endsWith('aes') ? readAes(value, kind, place) : readEcc(value, kind, place);
}

const oneOf = <T extends string>(...words: readonly T[]): FieldRule<T> => ({
  test: (v): v is T => (words as readonly JsonValue[]).includes(v),
  expects: words.map((w) => `"${w}"`).join(' or '),
  fix: `write ${words.map((w) => `"${w}"`).join(' or ')}`,
});

function readKind(value: JsonObject, place: Place): Kind | null {
  const role = readField(value, 'role', place, oneOf('issuer', 'relay', 'shared'));
  const method = readField(value, 'method', place, oneOf('aes', 'ecc'));
  if (role === undefined || method === undefined) return null;
  const kind = `${role} ${method}`;
  if (Object.hasOwn(MEMBERS, kind)) return kind as Kind;
  report(place, '.role', 'a shared file is of method aes only', 'use a pair of files, or method "aes"');
  return null;
}

const nameRule: FieldRule<string> = {
  test: isName,
  expects: '1 to 128 printable ASCII characters without spaces',
  fix: 'write a short name',
};

const relayRule: FieldRule<string> = {
  test: (v): v is string => typeof v === 'string' && isRelayUrl(v),
  expects: 'an http or https URL without user information, query or fragment',
  fix: 'write the address of the relay with its base path, https://relay.example.com/relayapi/',
};

function isRelayUrl(text: string): boolean {
  const url = parseUrl(text);
  if (url === null || /[?#\s]/.test(text)) return false;
  return (
    (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === ''
  );
}

/** The relay's URL as it is joined: normalised, its path ending in a slash. */
export function normaliseRelayUrl(text: string): string {
  const url = new URL(text);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url.href;
}

function readKeys<T>(
  value: JsonValue | undefined,
  place: Place,
  read: (item: JsonValue, at: Place) => T | null,
): T[] {
  if (!Array.isArray(value) || value.length === 0) {
    const message = value === undefined ? 'is missing' : 'must be a list with at least one entry';
    report(place, '', message, 'write a list');
    return [];
  }
  return value.map((item, i) => read(item, below(place, `[${i}]`))).filter((key) => key !== null);
}

/** Notes key ids and key material that stand twice in a file. */
function checkUnique(
  lists: readonly { path: string; value: JsonValue | undefined }[],
  problems: Problem[],
): void {
  const kids = new Set<JsonValue>();
  const material = new Set<JsonValue>();
  for (const { path, value } of lists) {
    if (!Array.isArray(value)) continue;
    value.forEach((key, i) => {
      if (typeof key !== 'object' || key === null || Array.isArray(key)) return;
      const place = { problems, path: `${path}[${i}]` };
      const secret = key.k ?? key.x ?? null;
      if (typeof key.kid === 'string' && kids.has(key.kid)) {
        report(place, '.kid', 'stands twice in this file', 'give each key an id of its own');
      } else if (typeof secret === 'string' && material.has(secret)) {
        report(place, '', 'is the same key as another of this file', 'one key has one use and one id');
      }
      kids.add(key.kid ?? null);
      material.add(secret);
    });
  }
}

/** Notes a `use` that names none of the keys. */
function readUse(value: JsonObject, place: Place): string {
  const kids = Array.isArray(value.keys) ? value.keys.map((k) => (k as JsonObject | null)?.kid) : [];
  const use = readField(value, 'use', place, {
    test: (v): v is string => typeof v === 'string' && kids.includes(v),
    expects: 'the kid of one of the keys',
    fix: 'write the kid of the key to seal with',
  });
  return use ?? '';
}

function readRelay(value: JsonObject, place: Place): string {
  const relay = readField(value, 'relay', place, relayRule);
  return relay === undefined ? '' : normaliseRelayUrl(relay);
}

function readAes(value: JsonObject, kind: Kind, place: Place): RaiFile {
  const life = kind !== 'issuer aes';
  const aud = readField(value, 'aud', place, nameRule) ?? '';
  const iss = readField(value, 'iss', place, nameRule) ?? '';
  const keys = readKeys(value.keys, below(place, '.keys'), (item, at) => readOctKey(item, at, { life }));
  checkUnique([{ path: `${place.path}.keys`, value: value.keys }], place.problems);
  const base = { version: 2, method: 'aes', aud, iss, keys } as const;
  const allow = (): Allow => readAllow(value.allow, below(place, '.allow'));
  const revoke = (): Revoke => readRevoke(value.revoke, below(place, '.revoke'));
  if (kind === 'relay aes') return { ...base, role: 'relay', allow: allow(), revoke: revoke() };
  const minting = { relay: readRelay(value, place), use: readUse(value, place) };
  if (kind === 'issuer aes') return { ...base, role: 'issuer', ...minting };
  return { ...base, role: 'shared', ...minting, allow: allow(), revoke: revoke() };
}

function readEcc(value: JsonObject, kind: Kind, place: Place): RaiFile {
  const aud = readField(value, 'aud', place, nameRule) ?? '';
  const relaySide = kind === 'relay ecc';
  const want: KeyWant = { use: 'enc', secret: relaySide, life: relaySide };
  const keys = readKeys(value.keys, below(place, '.keys'), (item, at) => readEcKey(item, at, want));
  const base = { version: 2, method: 'ecc', aud } as const;
  if (relaySide) {
    const issuers = readIssuers(value.issuers, below(place, '.issuers'));
    checkUnique(keyLists(value, place), place.problems);
    return { ...base, role: 'relay', keys: keys as EcPrivateKey[], issuers };
  }
  const iss = readField(value, 'iss', place, nameRule) ?? '';
  checkUnique(keyLists(value, place), place.problems);
  const minting = { relay: readRelay(value, place), use: readUse(value, place) };
  return { ...base, role: 'issuer', iss, ...minting, keys, sign: readSign(value, place) };
}

function readSign(value: JsonObject, place: Place): EcPrivateKey {
  const at = below(place, '.sign');
  if (value.sign === undefined) report(at, '', 'is missing', 'write the private signing key');
  const sign =
    value.sign === undefined ? null : readEcKey(value.sign, at, { use: 'sig', secret: true, life: false });
  // with a problem noted the result is thrown away
  return sign as EcPrivateKey;
}

function keyLists(value: JsonObject, place: Place): { path: string; value: JsonValue | undefined }[] {
  const lists = [{ path: `${place.path}.keys`, value: value.keys }];
  if (!Array.isArray(value.issuers)) return lists;
  value.issuers.forEach((issuer, i) => {
    lists.push({ path: `${place.path}.issuers[${i}].keys`, value: (issuer as JsonObject | null)?.keys });
  });
  return lists;
}

function readIssuers(value: JsonValue | undefined, place: Place): EccIssuer[] {
  const names = new Set<string>();
  return readKeys(value, place, (item, at) => {
    const object = readObject(item, at, ['iss', 'keys', 'allow', 'revoke']);
    if (object === null) return null;
    const iss = readField(object, 'iss', at, nameRule) ?? '';
    if (names.has(iss)) report(at, '.iss', 'stands twice in this file', 'one entry per issuer');
    names.add(iss);
    const want: KeyWant = { use: 'sig', secret: false, life: true };
    return {
      iss,
      keys: readKeys(object.keys, below(at, '.keys'), (key, keyAt) => readEcKey(key, keyAt, want)),
      allow: readAllow(object.allow, below(at, '.allow')),
      revoke: readRevoke(object.revoke, below(at, '.revoke')),
    };
  });
}
