/** Keys of the wrong kind at minting: refused ones are a TypeError, broad ones a warning that comes once and stops nothing. */
import { createRai } from 'relayapi-token';
import { describe, expect, it, vi } from 'vitest';
import { type ClientOptions, RelayAPIClient } from './index.ts';

const { issuer } = createRai({ method: 'aes', relay: 'http://127.0.0.1:8840/relayapi/', role: 'pair' }) as {
  issuer: object;
};
const TOKEN = `dapi${'0'.repeat(32)}`;

function watched(options: ClientOptions = {}) {
  const warnings: string[] = [];
  const client = new RelayAPIClient(issuer, { onWarning: (text) => warnings.push(text), ...options });
  return { client, warnings };
}

describe('a key of the wrong kind', () => {
  it.each([
    [
      'apiKey',
      { apiKey: 'sk-admin-demo' },
      /organisation admin key of OpenAI \(sk-admin-…\).*; make a project key/,
    ],
    [
      'apiKey',
      { provider: 'anthropic', apiKey: 'gsk_demo' },
      /looks like a key of Groq \(gsk_…\), but it is given for anthropic; /,
    ],
    ['upstreams[0].apiKey', { upstreams: [{ apiKey: 'gsk_demo' }] }, /Groq/],
    [
      'credential.access_key_id',
      { provider: 'amazon-bedrock', credential: { accessKeyId: 'gsk_demo', secretAccessKey: 'b' } },
      /Groq/,
    ],
  ])('is a TypeError that names %s, the reason and the fix', (option, options, reason) => {
    const { client, warnings } = watched();
    let message = '';
    try {
      client.generateToken(options);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      message = (error as Error).message;
    }
    expect(message.startsWith(`${option}: this key `)).toBe(true);
    expect(message).toMatch(reason);
    expect(message).not.toContain('demo');
    expect(warnings).toEqual([]);
  });

  it('is taken where calls go to a base URL of one’s own, or to a provider that nobody knows', () => {
    const { client } = watched();
    expect(client.generateToken({ apiKey: 'gsk_demo', base: 'https://gw.example.com/v1' })).toMatch(/^ey/);
    expect(client.generateToken({ provider: 'my-gateway', apiKey: 'gsk_demo' })).toMatch(/^ey/);
  });
});

describe('a key that opens more than model calls', () => {
  it('is sealed, and told of once per client', () => {
    const { client, warnings } = watched();
    for (let i = 0; i < 3; i++) {
      expect(client.generateUrl({ provider: 'databricks', apiKey: TOKEN })).toContain('http');
    }
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^apiKey: this key is a personal access token of Databricks \(dapi…\), .*; take /,
    );
    expect(warnings[0]).not.toContain('000');
    client.generateUrl({ provider: 'github-models', apiKey: 'ghp_demo' });
    expect(warnings).toHaveLength(2);
    client.generateUrl({ apiKey: 'sk-demo-not-a-key' });
    expect(warnings).toHaveLength(2);
  });

  it('is told of by process.emitWarning where nobody else listens', () => {
    const emit = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      new RelayAPIClient(issuer).generateUrl({ provider: 'databricks', apiKey: TOKEN });
      expect(emit).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('Databricks'), {
        type: 'RelayAPIWarning',
        code: 'RELAYAPI_BROAD_KEY',
      });
    } finally {
      emit.mockRestore();
    }
  });
});
