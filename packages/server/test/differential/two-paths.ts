/**
 * Two relays with one set of keys, one clock and one upstream, one on each way in, and one caller that asks both the same.
 * What a fetch runtime cannot see or keeps to itself is left out by the rules below, never for a single case.
 */
import { createHash } from 'node:crypto';
import { type DemoProvider, type Responder, startDemoProvider } from 'relayapi-demo-provider';
import type { MintClaims } from 'relayapi-token';
import { mintToken } from '../hostile/mint.ts';
import { ask } from '../pressure/asking.ts';
import type { RawAnswer } from '../support/raw-http.ts';
import { RELAY_PATHS, type RelayFixture, type RelayPath, startRelay } from '../support/relay-fixture.ts';
import { createStepClock, type StepClock } from '../support/step-clock.ts';
import { turns } from '../support/turns.ts';
import { type Entry, takeEntries } from './witness.ts';

/** Connection management, the id of the request and the time: they differ between two answers of one path, too. */
const ANSWER_LINES_LEFT_OUT = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);
/** How a request is framed, which address it went to, and what a platform's own fetch adds to every request. */
const REQUEST_LINES_LEFT_OUT = new Set([
  'accept-language',
  'connection',
  'content-length',
  'sec-fetch-mode',
  'transfer-encoding',
]);
/** Lines that the platform's fetch writes where the caller wrote none. */
const PLATFORM_DEFAULTS: Readonly<Record<string, string>> = { accept: '*/*', 'user-agent': 'node' };
/** What the adapter that serves a `Response` says of a body without a type; no upstream here spells it so. */
const ADAPTERS_TYPE = 'content-type: text/plain; charset=UTF-8';
/** What the same adapter answers when an answer breaks off before it has passed the head: the one cut that it can show no better. */
const ADAPTERS_BREAK = 'Error: the answer broke off';

/** The boundary of a form that the relay put together anew. */
const BOUNDARY = /relayapi-[\w-]{24}/g;
const COUNT = 'relay-calls-remaining';

/** A request as bytes but for the token. */
export interface Asking {
  readonly method: string;
  /** `TOKEN` stands where the token goes. */
  readonly target: string;
  readonly lines: readonly string[];
  readonly body: string;
}

/** What the caller saw, what the upstream saw, and who carried it. */
export interface Seen {
  readonly answer: {
    readonly status: number;
    readonly lines: readonly string[];
    readonly body: string;
    readonly end: 'clean' | 'cut';
    /** True when the head was lost with the break, so that the end is all there is to compare. */
    readonly headless: boolean;
  };
  readonly sent: readonly {
    readonly method: string;
    readonly target: string;
    readonly lines: readonly string[];
    /** Digest of the body, the boundary of a form made anew left out. */
    readonly body: string;
    readonly complete: boolean;
  }[];
  readonly entries: Entry[];
  /** True for each request that carries the mark of the platform's fetch on the wire. */
  readonly byFetch: boolean[];
}

/** Both relays. */
export interface Twins {
  readonly clock: StepClock;
  /** Seals a token that both open; valid now. */
  mint(claims: Partial<MintClaims>): string;
  /** Asks one of them, with an upstream that answers as told. */
  ask(path: RelayPath, token: string, asking: Asking, respond: Responder): Promise<Seen>;
  close(): Promise<void>;
}

/** Every method there is, for what the registry's providers do not have. */
const WIDE = [
  ...['HEAD', 'GET', 'DELETE'].map((method) => ({ method, path: '/models', kind: 'models', body: 'none' })),
  ...['POST', 'PUT', 'PATCH'].map((method) => ({ method, path: '/chat/completions', body: 'any' })),
];

/** Starts both. */
export async function startTwins(): Promise<Twins> {
  const demo = await startDemoProvider();
  const clock = createStepClock();
  const like = { base_url: `${demo.origin}/v1`, like: 'openai' };
  const config = {
    providers: {
      known: { ...like, trusted: true },
      strange: { ...like, trusted: false },
      wide: { base_url: like.base_url, endpoints: WIDE },
    },
    server: { country_header: 'x-country', trusted_proxies: ['127.0.0.1'] },
    upstream: { allow_private: [`127.0.0.1:${demo.port}`] },
  };
  const first = await startRelay({
    path: 'node',
    demo,
    clock,
    config,
    allow: { max_ttl_seconds: 7200, paths: ['GET /files'] },
  });
  const second = await startRelay({ path: 'fetch', demo, clock, config, files: first.files });
  const relays: Record<RelayPath, RelayFixture> = { node: first, fetch: second };
  return {
    clock,
    mint: (claims) => mintToken(first.files.issuer, Math.floor(clock.nowMs() / 1000), claims),
    ask: (path, token, asking, respond) => askOne(demo, relays[path].port, token, asking, respond),
    async close() {
      for (const path of RELAY_PATHS) await relays[path].close();
      await demo.close();
    },
  };
}

async function askOne(
  demo: DemoProvider,
  port: number,
  token: string,
  asking: Asking,
  respond: Responder,
): Promise<Seen> {
  demo.reset();
  takeEntries();
  demo.handle = async (_request, _response, exchange) => {
    await respond(exchange);
    return true;
  };
  const { method, target, lines, body } = asking;
  const head = [
    `${method} ${target} HTTP/1.1`,
    'Host: relay.test',
    'Connection: close',
    ...lines,
    '',
    '',
  ].join('\r\n');
  const answer = await ask(port, head.replaceAll('TOKEN', token) + body);
  const { requests } = demo;
  for (const request of requests) if (!request.complete) await untilClosed(request);
  return {
    answer: readAnswer(method, answer),
    sent: requests.map((request) => ({
      method: request.method,
      target: request.rawTarget,
      lines: linesOf(request.headers),
      body: digest(request.body.toString('latin1').replaceAll(BOUNDARY, 'BOUNDARY')),
      complete: request.complete,
    })),
    entries: takeEntries(),
    byFetch: requests.map(({ headers }) => headers['sec-fetch-mode'] !== undefined),
  };
}

function readAnswer(method: string, { status, headers, body, complete }: RawAnswer): Seen['answer'] {
  const id = headers['x-request-id'];
  const unnamed = (text: string) => (id === undefined ? text : text.replaceAll(id, 'ID'));
  const lines = Object.entries(headers)
    // how much had gone up when a body turned out too long is what no fetch runtime can tell
    .filter(([name]) => !ANSWER_LINES_LEFT_OUT.has(name) && !(status === 413 && name === COUNT))
    .map(([name, value]) => unnamed(`${name}: ${value}`))
    .filter((line) => line !== ADAPTERS_TYPE);
  const headless = body === ADAPTERS_BREAK;
  // an answer to HEAD is whole with its head, whatever length that declares
  const whole = complete || (method === 'HEAD' && status > 0 && body === '');
  return {
    status,
    lines: lines.sort(),
    body: unnamed(body),
    end: whole && !headless ? 'clean' : 'cut',
    headless,
  };
}

/** Where two that should be the same are not, part by part. */
export function differences(node: Seen, fetch: Seen): { onlyNode: string[]; onlyFetch: string[] } | null {
  const headless = fetch.answer.headless;
  const here = partsOf(node, headless);
  const there = partsOf(fetch, headless);
  // the adapter writes a length where it has the whole body in hand before its head has left
  const ofAdapter = (part: string) =>
    part.startsWith('answer line content-length:') &&
    !here.some((own) => own.startsWith('answer line content-length:'));
  const onlyNode = here.filter((part) => !there.includes(part));
  const onlyFetch = there.filter((part) => !here.includes(part) && !ofAdapter(part));
  return onlyNode.length + onlyFetch.length === 0 ? null : { onlyNode, onlyFetch };
}

function partsOf({ answer, sent }: Seen, endAlone: boolean): string[] {
  const { status, lines, body, end } = answer;
  const head = [`status ${status}`, ...lines.map((line) => `answer line ${line}`)];
  return [
    ...(endAlone ? [] : [...head, `answer body ${body.length > 300 ? digest(body) : body}`]),
    `answer end ${end}`,
    `${sent.length} sent`,
    ...sent.flatMap((one, i) => [
      `sent ${i} ${one.method} ${one.target}`,
      ...one.lines.map((line) => `sent ${i} line ${line}`),
      `sent ${i} body ${one.body} ${one.complete ? 'whole' : 'broken off'}`,
    ]),
  ];
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

async function untilClosed(request: { readonly closedAt: number | null }): Promise<void> {
  for (let i = 0; i < 100 && request.closedAt === null; i += 1) await turns();
}

function linesOf(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name, value]) => !REQUEST_LINES_LEFT_OUT.has(name) && PLATFORM_DEFAULTS[name] !== value)
    .map(([name, value]) => `${name}: ${value}`.replaceAll(BOUNDARY, 'BOUNDARY'))
    .sort();
}
