/** How a stream that breaks looks to each dialect's readers through the whole relay (behaviour.md §6). */
import { type DemoProvider, startDemoProvider } from 'relayapi-demo-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRaw, parseAnswer } from '../support/raw-http.ts';
import { RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

describe.each(RELAY_PATHS)('a stream that breaks on the %s path', (path) => {
  let demo: DemoProvider;
  let relay: RelayFixture;
  beforeAll(async () => {
    demo = await startDemoProvider();
    relay = await startRelay({
      path,
      demo,
      config: {
        providers: {
          openai: { base_url: `${demo.origin}/v1` },
          anthropic: { base_url: `${demo.origin}/v1` },
          google: { base_url: `${demo.origin}/v1beta` },
        },
      },
    });
  });
  beforeEach(() => demo.reset());
  afterAll(async () => {
    await relay.close();
    await demo.close();
  });

  async function wire(provider: string, rest: string, body: object): Promise<string> {
    const { pathname } = new URL(relay.url({ provider, apiKey: 'demo-not-a-key' }));
    const text = JSON.stringify(body);
    const socket = await openRaw(
      relay.port,
      `POST ${pathname}${rest} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
    return new Promise((resolve) => {
      let all = '';
      socket.on('data', (chunk) => {
        all += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(all));
    });
  }

  const user = [{ role: 'user', content: 'hello' }];
  it.each([
    [
      'openai',
      '/v1/chat/completions',
      (model: string) => ({ model, messages: user, stream: true }),
      /^data: \{"error":\{"message":/,
    ],
    [
      'openai',
      '/v1/responses',
      (model: string) => ({ model, input: 'hello', stream: true }),
      /^event: error\ndata: \{"type":"error","code":/,
    ],
    [
      'anthropic',
      '/v1/messages',
      (model: string) => ({ model, messages: user, max_tokens: 9, stream: true }),
      /^event: error\ndata: \{"type":"error","error":/,
    ],
    [
      'google',
      '/v1beta/models/MODEL:streamGenerateContent?alt=sse',
      () => ({ contents: [{ parts: [{ text: 'hello' }] }] }),
      null,
    ],
  ] as const)('%s %s', async (provider, rest, bodyOf, frame) => {
    for (const model of ['demo-die-0', 'demo-die-2', 'demo-midframe', 'demo-midframe+crlf']) {
      const all = await wire(provider, rest.replace('MODEL', encodeURIComponent(model)), bodyOf(model));
      const { status, complete, body } = parseAnswer(all);
      expect([model, status, complete]).toEqual([model, 200, false]);
      expect(body).not.toContain('[DONE]');
      if (frame === null) expect(body).not.toContain('error');
      else {
        // the blank line before it: what broke off is an event of its own, whole or not
        expect(body).toMatch(/\n\n(?:event|data): .*\n\n$/s);
        expect(body.split('\n\n').at(-2)).toMatch(frame);
      }
    }
  });
});
