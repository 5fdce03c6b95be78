/** Key files (token/src/rai.ts): refused with RaiError and nothing else, never showing a key, and stable when written and read again. */
import { createRai, parseRai, RaiError, Secret } from 'relayapi-token';
import { bytesOf, type FuzzTarget, hold } from '../target.ts';
import { JSON_WORDS } from './strict-json.ts';

const pairs = (['aes', 'ecc'] as const).map((method) =>
  createRai({ method, relay: 'https://relay.example.com/relayapi/', iss: 'shop' }),
);
const files = pairs.flatMap(({ issuer, relay }) => [issuer, relay]).map((file) => JSON.stringify(file));
const KEYS = [...files.join().matchAll(/"(?:k|d)":"([A-Za-z0-9_-]{43})"/g)].map(([, key]) => key as string);

function check(input: string): string {
  try {
    const file = parseRai(bytesOf(input));
    const shown = JSON.stringify(file) + String(file);
    hold(!KEYS.some((key) => shown.includes(key)), 'a key shows in a loaded file');
    const keys = 'keys' in file ? file.keys : [];
    hold(keys.length > 0, 'a file without a key');
    hold(new Set(keys.map(({ kid }) => kid)).size === keys.length, 'a kid twice');
    if (file.method === 'aes')
      hold(
        file.keys.every(({ k }) => k instanceof Secret),
        'a key in clear',
      );
    return `${file.role} ${file.method}`;
  } catch (error) {
    hold(error instanceof RaiError, `threw ${String(error)}`);
    hold(error.problems.length > 0, 'refused for nothing');
    hold(!KEYS.some((key) => error.message.includes(key)), 'a key in the message');
    return `refused: ${error.problems[0]?.message.slice(0, 24).replace(/[0-9]+/g, '0')}`;
  }
}

export const raiTarget: FuzzTarget = {
  name: 'rai',
  sources: /token\/src\/(?:rai|rai-allow|rai-problems|rai-version1|keys)\.ts$/,
  seeds: [
    ...files,
    JSON.stringify({
      version: '1.0.0',
      crypto: {
        method: 'aes',
        aes_key: '0f1e2d3c4b5a69788796a5b4c3d2e1f0ffeeddccbbaa99887766554433221100',
        aes_iv_seed: 'fedcba9876543210',
      },
      server: { host: 'https://relay.example.com', port: 443, base_path: '/relayapi/' },
    }),
  ],
  dictionary: [
    ...JSON_WORDS,
    ...'"rai":2 "rai":1 "role" "issuer" "relay" "shared" "method" "aes" "ecc" "keys" "issuers" "sign" "allow" "revoke" "use" "kid" "kty" "oct" "EC" "alg" "k" "d" "x" "y" "status" "accept" "until":1 "providers" "hosts" "max_ttl_seconds" "per_sub" "require" "vault":[] "paths" "jti" "sub" "iat_before" "crypto" "aes_key" "server" "host" "port"'.split(
      ' ',
    ),
    'A'.repeat(43),
  ],
  maxLength: 3000,
  check,
};
