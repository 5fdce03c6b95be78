/** The harness that the tables of providers stand on: it shows what went out, keeps calls apart, and sees a request that no caller sent. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defineProvider } from '../../src/providers/define.ts';
import { startWire, type Wire } from './wire.ts';

const exchanging = defineProvider({
  id: 'exchanging',
  name: 'Exchanging',
  base: 'https://{region}.api.example/v1',
  vars: { region: '[a-z]+-[a-z]+-[0-9]' },
  auth: {
    kind: 'exchanged',
    by: {
      kind: 'request',
      method: 'POST',
      url: 'https://iam.example/token',
      form: [['apikey', '{key}']],
      tokenAt: ['access_token'],
      life: { at: ['expires_in'], unit: 'seconds' },
    },
    put: { kind: 'header', name: 'authorization', template: 'Bearer {access_token}' },
  },
  endpoints: [
    {
      method: 'POST',
      path: '/x',
      kind: 'inference',
      dialect: 'opaque',
      body: 'json',
      models: [],
      capGroups: [],
    },
  ],
  asOf: '2026-11',
  sources: ['this test'],
});

let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    moreProviders: [exchanging],
    answer: (seen) =>
      seen.target.endsWith('/x')
        ? { headers: { 'content-type': 'audio/wav' }, body: Uint8Array.of(0, 255) }
        : {},
  });
});
afterAll(() => wire.close());

it('shows origin, target, header lines and body as the upstream got them, each call its own', async () => {
  const calls = [1, 2, 3].map((n) =>
    wire.send({
      provider: 'groq',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
      body: `{"model":"m${n}"}`,
    }),
  );
  for (const [index, { status, seen }] of (await Promise.all(calls)).entries()) {
    expect(status).toBe(200);
    expect(seen).toMatchObject({
      origin: 'https://api.groq.com',
      method: 'POST',
      target: '/openai/v1/chat/completions',
    });
    expect(seen?.body.toString()).toBe(`{"model":"m${index + 1}"}`);
    expect(seen?.header('authorization')).toBe('Bearer sk-demo-key');
    expect(seen?.header('x-wire-origin')).toBeNull();
  }
});

it('shows nothing of a call that stayed at the relay', async () => {
  const before = wire.reached();
  const { status, seen } = await wire.send({ provider: 'groq', method: 'GET', path: '/v1/files' });
  expect([status, seen, wire.reached()]).toEqual([403, null, before]);
});

it("shows the relay's own request for a token apart, and fills variables", async () => {
  const { status, seen, body } = await wire.send({
    provider: 'exchanging',
    path: '/v1/x',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect([status, seen?.origin, seen?.header('authorization'), [...body]]).toEqual([
    200,
    'https://us-east-1.api.example',
    'Bearer demo-access-token',
    [0, 255],
  ]);
  expect(wire.others.map(({ origin, target, body: form }) => [origin, target, form.toString()])).toEqual([
    ['https://iam.example', '/token', 'apikey=sk-demo-key'],
  ]);
});
