/**
 * The key files of the vectors. Their keys are test keys: published here, worthless anywhere else.
 */
import { b64, bytesFor, type Pair, type Plain, pairFor } from './crypto.ts';

/** The moment every vector is judged at unless it says otherwise. */
export const NOW = 1_800_000_000;

/** Symmetric keys by kid. */
export const aesKeys = {
  'aes-key-1': bytesFor('aes-key-1', 32),
  'aes-key-2': bytesFor('aes-key-2', 32),
  'aes-gone1': bytesFor('aes-gone1', 32),
  'aes-plain': bytesFor('aes-plain', 32),
  'aes-tight': bytesFor('aes-tight', 32),
  'aes-shrd1': bytesFor('aes-shrd1', 32),
};

/** P-256 keys by kid. */
export const ecKeys: Record<'ecc-relay' | 'ecc-other' | 'sig-shop1' | 'sig-other' | 'sig-file2', Pair> = {
  'ecc-relay': pairFor('ecc-relay'),
  'ecc-other': pairFor('ecc-other'),
  'sig-shop1': pairFor('sig-shop1'),
  'sig-other': pairFor('sig-other'),
  'sig-file2': pairFor('sig-file2'),
};

/** A symmetric JWK. */
export const oct = (kid: keyof typeof aesKeys, extra: Plain = {}): Plain => ({
  kty: 'oct',
  kid,
  use: 'enc',
  alg: 'A256KW',
  k: b64(aesKeys[kid]),
  ...extra,
});

/** A P-256 JWK, public unless `secret`. */
export function ec(kid: keyof typeof ecKeys, use: 'enc' | 'sig', secret: boolean, extra: Plain = {}): Plain {
  const { x, y, d } = ecKeys[kid];
  const alg = use === 'enc' ? 'ECDH-ES+A256KW' : 'ES256';
  return { kty: 'EC', crv: 'P-256', kid, use, alg, x, y, ...(secret ? { d } : {}), ...extra };
}

const active = { status: 'active' };

/** The files of the one keyring that the open vectors use, by file name. */
export const files: Record<string, Plain> = {
  'aes.rai': {
    rai: 2,
    role: 'relay',
    method: 'aes',
    aud: 'relay.example.com',
    iss: 'shop',
    keys: [
      oct('aes-key-1', active),
      oct('aes-key-2', { status: 'accept', until: NOW + 3600 }),
      oct('aes-gone1', { status: 'accept', until: NOW }),
    ],
    allow: {
      hosts: ['models.example.net', 'models.example.net:8443'],
      vault: ['main'],
      max_ttl_seconds: 86_400,
      store_down: true,
    },
    revoke: { iat_before: NOW - 40_000, sub: { mallory: NOW - 50 }, jti: ['revoked-token-0001'] },
  },
  'plain.rai': {
    rai: 2,
    role: 'relay',
    method: 'aes',
    aud: 'relay.example.com',
    iss: 'plain',
    keys: [oct('aes-plain', active)],
  },
  'tight.rai': {
    rai: 2,
    role: 'relay',
    method: 'aes',
    aud: 'relay.example.com',
    iss: 'tight',
    keys: [oct('aes-tight', active)],
    allow: {
      providers: ['openai'],
      hosts: [],
      vault: [],
      max_ttl_seconds: 3600,
      max_calls: 100,
      require: ['calls', 'origins'],
      per_sub: { calls: 1000 },
      features: ['n'],
    },
  },
  'shared.rai': {
    rai: 2,
    role: 'shared',
    method: 'aes',
    relay: 'http://127.0.0.1:8840/relayapi/',
    aud: 'localhost',
    iss: 'default',
    use: 'aes-shrd1',
    keys: [oct('aes-shrd1', active)],
  },
  'ecc.rai': {
    rai: 2,
    role: 'relay',
    method: 'ecc',
    aud: 'relay.example.com',
    keys: [ec('ecc-relay', 'enc', true, active)],
    issuers: [
      {
        iss: 'shop-ecc',
        keys: [ec('sig-shop1', 'sig', false, active)],
        allow: { providers: ['openai', 'anthropic'], max_ttl_seconds: 3600 },
        revoke: { iat_before: 0, sub: {}, jti: ['revoked-token-0002'] },
      },
      { iss: 'other-ecc', keys: [ec('sig-other', 'sig', false, active)] },
    ],
  },
  'ecc2.rai': {
    rai: 2,
    role: 'relay',
    method: 'ecc',
    aud: 'second.example.com',
    keys: [ec('ecc-other', 'enc', true, active)],
    issuers: [{ iss: 'file2', keys: [ec('sig-file2', 'sig', false, active)] }],
  },
};

/** Files that mint what the keyring opens, by the issuer's name. */
export const issuerFiles: Record<string, Plain> = {
  shop: {
    rai: 2,
    role: 'issuer',
    method: 'aes',
    relay: 'https://relay.example.com/relayapi/',
    aud: 'relay.example.com',
    iss: 'shop',
    use: 'aes-key-1',
    keys: [oct('aes-key-1')],
  },
  'shop-ecc': {
    rai: 2,
    role: 'issuer',
    method: 'ecc',
    relay: 'https://relay.example.com/relayapi/',
    aud: 'relay.example.com',
    iss: 'shop-ecc',
    use: 'ecc-relay',
    keys: [ec('ecc-relay', 'enc', false)],
    sign: ec('sig-shop1', 'sig', true),
  },
};
