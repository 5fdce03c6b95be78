// Mints a relay URL with the `jose` library alone: docs/spec/token.md is all it takes. Usage: node mint.mjs FILE.rai
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CompactEncrypt, CompactSign, importJWK } from 'jose';

const file = JSON.parse(readFileSync(process.argv[2] ?? '../../default.rai', 'utf8'));
const now = Math.floor(Date.now() / 1000);
const claims = {
  iss: file.iss,
  aud: file.aud,
  jti: randomBytes(16).toString('base64url'),
  iat: now,
  exp: now + 600,
  upstream: {
    provider: process.env.PROVIDER ?? 'demo',
    key: process.env.PROVIDER_API_KEY ?? 'sk-demo-not-a-key',
  },
  limits: { calls: 20 },
};

const key = file.keys.find(({ kid }) => kid === file.use);
const header = { alg: key.alg, enc: 'A256GCM', kid: key.kid, typ: 'rai+jwt' };
let plaintext = new TextEncoder().encode(JSON.stringify(claims));

if (file.method === 'ecc') {
  // signed by the issuer inside, encrypted to the relay outside
  const signed = await new CompactSign(plaintext)
    .setProtectedHeader({ alg: 'ES256', kid: file.sign.kid, typ: 'rai+jwt' })
    .sign(await importJWK(file.sign, 'ES256'));
  plaintext = new TextEncoder().encode(signed);
  header.cty = 'JWT';
}

const token = await new CompactEncrypt(plaintext)
  .setProtectedHeader(header)
  .encrypt(await importJWK(key, key.alg));

console.log(file.relay + token);
