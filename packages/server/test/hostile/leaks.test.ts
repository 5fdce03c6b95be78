/** Keys and tokens stand nowhere but where they must: every log line, answer header and answer body is searched, before an upstream that echoes all it gets. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chatBody,
  RELAY_PATHS,
  type RelayFixture,
  startRelay,
  UPSTREAM_KEY,
} from '../support/relay-fixture.ts';

/** Every spelling in which a secret could come back. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const shifted = [0, 1, 2].map((skip) =>
    bytes.subarray(skip).toString('base64').replace(/=+$/, '').slice(2, -2),
  );
  return [
    secret,
    encodeURIComponent(secret),
    bytes.toString('hex'),
    JSON.stringify(secret).slice(1, -1),
    ...shifted,
  ];
}

interface Seen {
  readonly what: string;
  readonly text: string;
}

async function read(what: string, response: Response): Promise<Seen[]> {
  const headers = JSON.stringify([...response.headers]);
  const body = await response.text().catch((error: unknown) => inspect(error, { depth: 9 }));
  return [
    { what: `${what}: status line`, text: `${response.status} ${response.statusText}` },
    { what: `${what}: headers`, text: headers },
    { what: `${what}: body`, text: body },
  ];
}

describe.each(RELAY_PATHS)('A55 secrets on the %s path', (path) => {
  let relay: RelayFixture;
  const seen: Seen[] = [];
  const tokens: string[] = [];
  beforeAll(async () => {
    relay = await startRelay({ path });
  });
  afterAll(() => relay.close());

  function url(options: Parameters<RelayFixture['url']>[0] = {}): string {
    const made = relay.url(options);
    tokens.push(made.slice(made.lastIndexOf('/') + 1));
    return made;
  }

  const MODELS = [
    'demo-echo',
    'demo-echo-raw',
    'demo-echo-headers',
    'demo-echo+error-400',
    'demo-echo+error-500',
    'demo-error-401',
    'demo-error-403',
    'demo-setcookie',
    'demo-trailer',
    'demo-leak-plain',
    'demo-leak-base64',
    'demo-leak-base64url',
    'demo-leak-percent',
    'demo-leak-hex',
    'demo-leak-json',
    'demo-leak-plain+error-400',
    'demo-leak-base64+error-422',
    'demo-leak-plain+bytes',
    'demo-garbage',
    'demo-die-2',
    'demo-gzip',
    'demo-html',
  ];

  it('asks an echoing upstream in every way, plain and streamed, on path and header', async () => {
    for (const model of MODELS) {
      for (const stream of [false, true]) {
        // A fresh key each, since a refused one rests.
        const apiKey = `${UPSTREAM_KEY}-${model.replace(/[^a-z0-9]/g, '')}${stream}`;
        const address = url({ apiKey });
        const init = {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: chatBody(model, { stream }),
        };
        seen.push(...(await read(`${model} path`, await fetch(`${address}/v1/chat/completions`, init))));
        const token = tokens.at(-1) ?? '';
        const headers = { ...init.headers, authorization: `Bearer ${token}` };
        const answer = await fetch(`${relay.origin}/v1/chat/completions`, { ...init, headers });
        seen.push(...(await read(`${model} header`, answer)));
      }
    }
    expect(relay.demo.requests.length).toBeGreaterThan(MODELS.length);
  });

  it('makes every kind of mistake', async () => {
    const address = url({ maxCalls: 0, allowedModels: ['x'] });
    const token = tokens.at(-1) ?? '';
    const tries: ReadonlyArray<readonly [string, RequestInit]> = [
      [`${address}/v1/chat/completions`, { method: 'POST', body: '{' }],
      [`${address}/v1/../../etc`, {}],
      [`${address}//v1//x`, {}],
      [`${address}/v1/files`, {}],
      [`${address}x/v1/chat/completions`, { method: 'POST', body: '{}' }],
      [`${address}/v1/chat/completions?key=${token}&token=${token}`, { method: 'POST', body: chatBody('x') }],
      [`${relay.origin}/relayapi/-/v1/models`, { headers: { 'x-api-key': `${token}x` } }],
      [
        `${relay.origin}/relayapi/-/v1/models`,
        { headers: { authorization: `Bearer ${token}`, 'x-api-key': `${relay.token()}` } },
      ],
      [`${relay.origin}/.well-known/oauth-protected-resource/relayapi/${token}/mcp`, {}],
      [`${relay.origin}/favicon.ico?${token}`, { headers: { referer: address } }],
    ];
    for (const [target, init] of tries)
      seen.push(...(await read(target.slice(-20), await fetch(target, init))));
  });

  it('finds no key, no token and no body in anything that was answered or logged', () => {
    const logged = relay.lines.map((line) => ({
      what: `log ${line.message}`,
      text: `${JSON.stringify(line)} ${inspect(line, { depth: 9 })}`,
    }));
    expect(logged.length).toBeGreaterThan(40);
    const secrets = [
      ...spellings(UPSTREAM_KEY),
      ...tokens.flatMap((token) => [token, ...token.split('.').slice(1)]),
    ];
    const hits: string[] = [];
    for (const { what, text } of [...seen, ...logged]) {
      for (const secret of secrets)
        if (secret.length > 12 && text.includes(secret)) hits.push(`${what} holds ${secret.slice(0, 6)}…`);
    }
    expect(hits).toEqual([]);
    for (const { text } of logged) expect(text).not.toContain('"content":"hello"');
  });
});
