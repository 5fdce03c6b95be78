/**
 * `.rai` files of version 1: read, never written (token spec §7). Their key becomes a version 2 sealing key by HKDF;
 * their tokens stay refused.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeBase64Url, encodeUtf8 } from './bytes.ts';
import { parseUrl } from './claim-rules.ts';
import { findWeakness } from './keys.ts';
import { DEFAULT_MAX_TTL_SECONDS } from './rai-allow.ts';
import type { AesSharedFile } from './rai-file.ts';
import {
  below,
  type FieldRule,
  type JsonObject,
  type Place,
  readField,
  readObject,
  readOptional,
  report,
} from './rai-problems.ts';
import { Secret } from './secret.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8840;
const DEFAULT_BASE_PATH = '/relayapi/';

const anyText: FieldRule<string> = {
  test: (v): v is string => typeof v === 'string',
  expects: 'a text',
  fix: 'write the text of the version 1 file',
};
const port: FieldRule<number> = {
  test: (v): v is number => Number.isSafeInteger(v) && (v as number) > 0 && (v as number) < 65_536,
  expects: 'a port from 1 to 65535',
  fix: 'write a number',
};

/** Key id and sealing key of a version 1 file. `aesKey` is 64 hex characters. */
function deriveVersion1(aesKey: Secret, ivSeed: string): { kid: string; k: Secret } {
  const digest = encodeBase64Url(sha256(encodeUtf8(`aes${aesKey.reveal()}${ivSeed}`)));
  const k = hkdf(sha256, decodeHex(aesKey.reveal()), encodeUtf8('rai-v1'), encodeUtf8('rai/2 A256KW'), 32);
  return { kid: `v1-${digest.slice(0, 10)}`, k: new Secret(encodeBase64Url(k)) };
}

function decodeHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Reads a version 1 file as a shared one; null (and problems) when it cannot be used. */
export function readVersion1(value: JsonObject, place: Place): AesSharedFile | null {
  readObject(value, place, ['version', 'crypto', 'server']);
  readOptional(value, 'version', place, anyText);
  const relay = readVersion1Relay(value, place);
  const at = below(place, '.crypto');
  const crypto = readObject(value.crypto, at, ['method', 'aes_key', 'aes_iv_seed']);
  if (crypto === null) return null;
  const method = readField(crypto, 'method', at, {
    test: (v): v is 'aes' => v === 'aes',
    expects: '"aes"; version 1 never had another',
    fix: 'run relayapi init --method ecc for a version 2 pair',
  });
  const aesKey = method === undefined ? undefined : readHexKey(crypto, at);
  const seed = method === undefined ? undefined : readField(crypto, 'aes_iv_seed', at, anyText);
  if (aesKey === undefined || seed === undefined || relay === null) return null;
  const { kid, k } = deriveVersion1(aesKey, seed);
  return {
    version: 1,
    role: 'shared',
    method: 'aes',
    relay,
    aud: 'default',
    iss: kid,
    use: kid,
    keys: [{ kty: 'oct', kid, use: 'enc', alg: 'A256KW', k, status: 'active' }],
    allow: { hosts: [], vault: [], paths: [], max_ttl_seconds: DEFAULT_MAX_TTL_SECONDS, require: [] },
    revoke: { iat_before: 0, sub: Object.create(null), jti: [] },
  };
}

function readHexKey(crypto: JsonObject, at: Place): Secret | undefined {
  const fix = 'run relayapi upgrade, which writes a version 2 pair with a fresh key';
  const hex = readField(crypto, 'aes_key', at, {
    test: (v): v is string => typeof v === 'string' && /^[0-9a-fA-F]{64}$/.test(v),
    expects: '64 hex characters: a passphrase could be guessed from one token',
    fix,
  });
  if (hex === undefined) return undefined;
  const weakness = findWeakness(decodeHex(hex));
  if (weakness === null) return new Secret(hex);
  report(at, '.aes_key', weakness, fix);
  return undefined;
}

/** The relay's URL of a version 1 file; null (and problems) when its server part is malformed. */
export function readVersion1Relay(value: JsonObject, place: Place): string | null {
  const at = below(place, '.server');
  const server =
    value.server === undefined ? {} : readObject(value.server, at, ['host', 'port', 'base_path']);
  if (server === null) return null;
  const before = place.problems.length;
  const host = readOptional(server, 'host', at, anyText) ?? DEFAULT_HOST;
  const portNumber =
    readOptional(server, 'port', at, port) ?? (server.host === undefined ? DEFAULT_PORT : null);
  const basePath = readOptional(server, 'base_path', at, anyText) ?? DEFAULT_BASE_PATH;
  if (place.problems.length > before) return null;
  const url = joinVersion1(host, portNumber, basePath);
  if (url === null) report(at, '.host', 'gives no URL together with port and base_path', 'write a host name');
  return url;
}

function joinVersion1(host: string, portNumber: number | null, basePath: string): string | null {
  const bare = /^https?:\/\//.test(host) ? host : `${isLocal(host) ? 'http' : 'https'}://${host}`;
  const url = parseUrl(bare);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || /[?#]/.test(basePath))
    return null;
  // the address a version 1 server bound to; callers on the same machine reach it here
  if (url.hostname === '0.0.0.0') url.hostname = DEFAULT_HOST;
  if (portNumber !== null) url.port = String(portNumber);
  const path = basePath.replace(/^\/+|\/+$/g, '');
  url.pathname = path === '' ? '/' : `/${path}/`;
  return url.href;
}

/** Whether a host, with or without a port, is this machine. */
function isLocal(host: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|0\.0\.0\.0|\[::1\])(?::[0-9]+)?$/.test(host);
}

/** Whether a value is a version 1 file, readable or not. */
export function isVersion1(value: JsonObject): boolean {
  return !Object.hasOwn(value, 'rai') && Object.hasOwn(value, 'crypto');
}
