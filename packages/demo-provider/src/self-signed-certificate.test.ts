import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { expect, test } from 'vitest';
import { createSelfSignedCertificate } from './self-signed-certificate.ts';
import { startDemoProvider } from './start-demo-provider.ts';

function get(port: number, host: string, ca?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: 'Bearer sk-demo-not-a-key' };
    const options = { host: '127.0.0.1', servername: host, port, path: '/v1/models', headers, agent: false };
    const sent = request(ca ? { ...options, ca } : options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('a certificate names its hosts, holds now, and fits its key', () => {
  const { cert } = createSelfSignedCertificate(['localhost', 'api.demo.example', '127.0.0.1', '2001:db8::7']);
  const parsed = new X509Certificate(cert);
  expect(parsed.subjectAltName).toBe(
    'DNS:localhost, DNS:api.demo.example, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:7',
  );
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect(parsed.ca).toBe(true);
  expect(parsed.validFromDate.getTime()).toBeLessThan(Date.now());
  expect(parsed.validToDate.getTime()).toBeGreaterThan(Date.now());
});

test('a client that trusts it reaches the demo provider over https, one that does not is refused', async () => {
  const tls = createSelfSignedCertificate(['api.demo.example']);
  const provider = await startDemoProvider({ tls });
  expect(provider.origin).toMatch(/^https:/);
  expect(await get(provider.port, 'api.demo.example', tls.cert)).toBe(200);
  await expect(get(provider.port, 'api.demo.example')).rejects.toMatchObject({
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  });
  await expect(get(provider.port, 'other.example', tls.cert)).rejects.toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  expect(provider.counters).toMatchObject({ connections: 3, requests: 1 });
  expect(provider.requests[0]?.socketId).toBeGreaterThan(0);
  await provider.close();
});
