/** `origins` over HTTP: a table of tricks, and what CORS says in each case (behaviour spec §4). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../support/raw-http.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { rowsOf } from './corpora/rows.ts';
import { wordOf } from './reading.ts';

let relay: RelayFixture;
beforeAll(async () => {
  relay = await startRelay();
});
beforeEach(() => relay.demo.reset());
afterAll(() => relay.close());

const APP = 'https://app.example.com';
const body = chatBody();

async function ask(token: string, lines: readonly string[], method = 'POST', sent = body, port = relay.port) {
  const answer = await sendRaw(
    port,
    [
      `${method} /relayapi/${token}/v1/chat/completions HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Content-Type: application/json',
      ...lines,
      `Content-Length: ${sent.length}`,
      '',
      sent,
    ].join('\r\n'),
  );
  return { ...answer, word: answer.status === 204 ? '204 -' : wordOf(answer.status, answer.body) };
}

/** What every answer says, whatever it is. */
function expectCors(headers: Record<string, string>, allowed: string) {
  expect(headers['access-control-allow-origin']).toBe(allowed);
  expect(headers['vary']).toBe('Origin');
  expect(Object.keys(headers)).not.toContain('access-control-allow-credentials');
}

const DENIED = rowsOf<{ origin: string; must: string }>('origins');

describe('A53 a token for one origin', () => {
  it('works there, and the answer names that origin', async () => {
    const { word, headers } = await ask(relay.token({ allowedOrigins: [APP] }), [`Origin: ${APP}`]);
    expect(word).toBe('200 -');
    expectCors(headers, APP);
    expect(relay.demo.counters.requests).toBe(1);
  });

  it('there are over forty others', () => {
    expect(DENIED.length).toBeGreaterThan(70);
  });

  it.each(DENIED)('refuses $origin, readably, before the upstream', async ({ origin, must }) => {
    const { word, headers } = await ask(relay.token({ allowedOrigins: [APP] }), [`Origin: ${origin}`]);
    expect(word).toBe(must);
    expectCors(headers, '*');
    expect(relay.demo.counters.requests).toBe(0);
  });

  it.each<[string, string[]]>([
    ['no Origin', []],
    ['two Origin lines, the good one first', [`Origin: ${APP}`, 'Origin: https://evil.test']],
    ['two Origin lines, the good one last', ['Origin: https://evil.test', `Origin: ${APP}`]],
    ['a Referer instead', [`Referer: ${APP}/`]],
    ['a forwarded origin', [`X-Forwarded-Origin: ${APP}`, `X-Original-Origin: ${APP}`]],
    ['no Origin, said to be same-origin', ['Sec-Fetch-Site: same-origin']],
    ['no Origin, said to be same-site', ['Sec-Fetch-Site: same-site']],
    ['no Origin, said to be nobody’s', ['Sec-Fetch-Site: none']],
  ])('refuses %s', async (_what, lines) => {
    const { word, headers } = await ask(relay.token({ allowedOrigins: [APP] }), lines);
    expect(word).toBe('403 origin_denied');
    expectCors(headers, '*');
    expect(relay.demo.counters.requests).toBe(0);
  });
});

describe('A53 a token for one origin, on the fetch path', () => {
  let other: RelayFixture;
  beforeAll(async () => {
    other = await startRelay({ path: 'fetch' });
  });
  beforeEach(() => other.demo.reset());
  afterAll(() => other.close());
  const askOther = (lines: readonly string[]) =>
    ask(other.token({ allowedOrigins: [APP] }), lines, 'POST', body, other.port);

  it('works there, and the answer names that origin', async () => {
    const { word, headers } = await askOther([`Origin: ${APP}`]);
    expect(word).toBe('200 -');
    expectCors(headers, APP);
  });

  it.each(
    [
      ...DENIED.map(({ origin }) => [`Origin: ${origin}`]),
      [`Origin: ${APP}`, 'Origin: https://evil.test'],
      ['Origin: https://evil.test', `Origin: ${APP}`],
      [],
    ].map((lines) => ({ lines })),
  )('refuses $lines', async ({ lines }) => {
    const { word, headers } = await askOther(lines);
    expect(word).toBe('403 origin_denied');
    expectCors(headers, '*');
    expect(other.demo.counters.requests).toBe(0);
  });
});

describe('A53 other lists', () => {
  const own = () => `http://127.0.0.1:${relay.port}`;

  it.each<
    [string, () => { allowed: string[] | undefined; lines: string[] }, word: string, acao: () => string]
  >([
    [
      'no list: any origin',
      () => ({ allowed: undefined, lines: ['Origin: https://evil.test'] }),
      '200 -',
      () => '*',
    ],
    ['no list: null', () => ({ allowed: undefined, lines: ['Origin: null'] }), '200 -', () => '*'],
    ['no list: no Origin', () => ({ allowed: undefined, lines: [] }), '200 -', () => '*'],
    ['"none": no Origin', () => ({ allowed: ['none'], lines: [] }), '200 -', () => '*'],
    [
      '"none": an Origin',
      () => ({ allowed: ['none'], lines: [`Origin: ${APP}`] }),
      '403 origin_denied',
      () => '*',
    ],
    [
      '"none": the word as an Origin',
      () => ({ allowed: ['none'], lines: ['Origin: none'] }),
      '403 origin_denied',
      () => '*',
    ],
    [
      'two origins: the second',
      () => ({ allowed: ['https://a.example', APP], lines: [`Origin: ${APP}`] }),
      '200 -',
      () => APP,
    ],
    [
      'two origins: both at once',
      () => ({ allowed: ['https://a.example', APP], lines: [`Origin: https://a.example, ${APP}`] }),
      '403 origin_denied',
      () => '*',
    ],
    [
      'a port of its own',
      () => ({ allowed: ['http://localhost:5173'], lines: ['Origin: http://localhost:5173'] }),
      '200 -',
      () => 'http://localhost:5173',
    ],
    [
      'a port of its own, another one',
      () => ({ allowed: ['http://localhost:5173'], lines: ['Origin: http://localhost:5174'] }),
      '403 origin_denied',
      () => '*',
    ],
    [
      'the relay’s own origin, same-origin',
      () => ({ allowed: [own()], lines: ['Sec-Fetch-Site: same-origin'] }),
      '200 -',
      own,
    ],
    [
      'the relay’s own origin, not said to be same-origin',
      () => ({ allowed: [own()], lines: [] }),
      '403 origin_denied',
      () => '*',
    ],
  ])('%s', async (_what, make, word, acao) => {
    const { allowed, lines } = make();
    const token = relay.token(allowed === undefined ? {} : { allowedOrigins: allowed });
    const answer = await ask(token, lines);
    expect(answer.word).toBe(word);
    const seen = answer.headers['access-control-allow-origin'];
    // where the caller named no origin there is nothing to echo
    if (lines.some((line) => line.startsWith('Origin:')) || word !== '200 -') expect(seen).toBe(acao());
    expect(answer.headers['vary']).toBe('Origin');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    expect(relay.demo.counters.requests).toBe(word === '200 -' ? 1 : 0);
  });

  it.each([
    'null',
    '*',
    'https://app.example.com/',
    'https://app.example.com:443',
    'HTTPS://app.example.com',
    'https://*.example.com',
    'app.example.com',
    '',
  ])('no token can list %j', (origin) => {
    expect(() => relay.token({ allowedOrigins: [origin] })).toThrow(TypeError);
  });

  it('preflights, refusals and upstream errors say the same about credentials and Vary', async () => {
    const token = relay.token({ allowedOrigins: [APP] });
    const preflight = await ask(
      token,
      [
        'Origin: https://evil.test',
        'Access-Control-Request-Method: POST',
        'Access-Control-Request-Headers: authorization, x-any',
      ],
      'OPTIONS',
      '',
    );
    expect(preflight.word).toBe('204 -');
    expectCors(preflight.headers, '*');
    expectCors((await ask('broken', [`Origin: ${APP}`])).headers, '*');
    const failed = await ask(token, [`Origin: ${APP}`], 'POST', chatBody('demo-error-500'));
    expect(failed.status).toBe(500);
    expectCors(failed.headers, APP);
  });
});
