import { describe, expect, it } from 'vitest';
import { type AdminParts, createAdminApp } from './admin-app.ts';

const LOCAL = { host: '127.0.0.1:8841' };

function admin(more: Partial<AdminParts> = {}) {
  return createAdminApp({
    ready: () => ({ ok: true, reasons: [], rejected: [], store: 'memory' }),
    metrics: async () => ({ text: 'relayapi_live_calls 0\n', contentType: 'text/plain; version=0.0.4' }),
    details: () => ({ version: '0.1.0' }),
    authorize: null,
    isLoopback: (host) => host === '127.0.0.1',
    ...more,
  });
}

describe('without a secret', () => {
  it('this machine reads readiness, metrics and details', async () => {
    const ready = await admin().request('/ready', { headers: LOCAL });
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { ok: true, reasons: [], rejected: [], store: 'memory' },
    ]);
    const metrics = await admin().request('/metrics', { headers: LOCAL });
    expect(metrics.headers.get('content-type')).toContain('version=0.0.4');
    expect(await metrics.text()).toBe('relayapi_live_calls 0\n');
    expect(await (await admin().request('/', { headers: LOCAL })).json()).toEqual({ version: '0.1.0' });
  });

  it.each([{ host: 'evil.example' }, { ...LOCAL, 'x-forwarded-for': '203.0.113.7' }])(
    'nobody else reads anything: %j',
    async (headers) => {
      for (const path of ['/ready', '/metrics', '/']) {
        expect((await admin().request(path, { headers })).status).toBe(404);
      }
    },
  );

  it('not ready is 503 with the reasons and the files that were rejected', async () => {
    const rejected = [
      { name: 'b.rai', problems: [{ path: '$.keys', message: 'is missing', fix: 'add it' }] },
    ];
    const parts = { ready: () => ({ ok: false, reasons: ['draining'], rejected, store: 'memory' }) };
    const response = await admin(parts).request('/ready', { headers: LOCAL });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ reasons: ['draining'], rejected });
  });

  it('has no CORS, and 405 and 404 for the rest', async () => {
    const response = await admin().request('/metrics', {
      headers: { ...LOCAL, origin: 'https://x.example' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect((await admin().request('/ready', { method: 'POST', headers: LOCAL })).status).toBe(405);
    expect((await admin().request('/x', { headers: LOCAL })).status).toBe(404);
  });
});

describe('with a secret', () => {
  const parts = { authorize: (header: string | undefined) => header === 'Bearer demo-not-a-secret' };

  it('its holder reads from anywhere', async () => {
    const headers = { host: 'relay.internal:8841', authorization: 'Bearer demo-not-a-secret' };
    expect((await admin(parts).request('/ready', { headers })).status).toBe(200);
  });

  it.each([LOCAL, { ...LOCAL, authorization: 'Bearer other' }])(
    'others get 401, this machine too: %j',
    async (headers) => {
      for (const path of ['/ready', '/metrics', '/', '/x']) {
        const response = await admin(parts).request(path, { headers });
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toContain('Bearer');
      }
    },
  );
});

it('an exception is a 500 that says nothing, and is reported', async () => {
  const faults: unknown[] = [];
  const app = admin({
    metrics: async () => {
      throw new Error('inner words');
    },
    onFault: (error) => faults.push(error),
  });
  const response = await app.request('/metrics', { headers: LOCAL });
  expect([response.status, faults.length]).toEqual([500, 1]);
  expect(await response.text()).not.toContain('inner words');
});
