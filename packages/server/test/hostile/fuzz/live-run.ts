// house: real time, because another process answers.
/**
 * The fuzzer of a live relay: raw sockets, many mutated requests in each write, every answer read and judged, honest calls in
 * between. The relay is another process; nothing here can hide its end.
 */
import { connect, type Socket } from 'node:net';
import { createRandom, type Random } from '../../../../token/test/support/random.ts';
import { ERRORS } from '../../../src/errors.ts';
import type { LiveRelay } from './live-relay.ts';
import {
  mutateFramed,
  mutateWild,
  type Pieces,
  type Template,
  templatesFor,
  writeRequest,
} from './live-requests.ts';

/** What a run came to. */
export interface LiveReport {
  /** Mutated requests that the relay dealt with: answered, or their connection closed. */
  readonly requests: number;
  readonly wild: number;
  readonly connections: number;
  readonly honest: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly codes: Readonly<Record<string, number>>;
  /** Everything that should not have been; the first few. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

/** How a run goes. */
export interface LiveOptions {
  readonly count: number;
  /** Ends the run early; what was dealt with by then counts. */
  readonly maxSeconds: number;
  readonly seed: number;
  readonly pieces: Pieces;
  readonly sockets?: number;
  /** Framed requests in one write. Default 40. */
  readonly pipelined?: number;
  readonly onProgress?: (requests: number) => void;
}

const CODES = new Set<string>(Object.keys(ERRORS));
const STATUSES = new Set<number>([200, 204, ...Object.values(ERRORS).map(({ status }) => status)]);
/** One answer waits at most so long, in milliseconds; only a relay that hangs comes near. */
const PATIENCE_MS = 30_000;
/** How long a wild request may go without a word before its connection is closed: it may be waiting for the rest of it. */
const WILD_MS = 25;

interface Tally {
  requests: number;
  wild: number;
  connections: number;
  honest: number;
  statuses: Record<string, number>;
  codes: Record<string, number>;
  faults: string[];
}

/** One answer cut from what came; null while it is not whole. */
interface Cut {
  readonly status: number;
  readonly text: string;
  readonly end: number;
  readonly closes: boolean;
}

function cutAnswer(text: string, from: number, bodiless: boolean): Cut | null {
  let start = from;
  for (;;) {
    const headEnd = text.indexOf('\r\n\r\n', start);
    if (headEnd === -1) return null;
    const status = Number(text.slice(start + 9, start + 12));
    if (status >= 100 && status < 200) {
      start = headEnd + 4;
      continue;
    }
    const head = text.slice(start, headEnd + 2).toLowerCase();
    const closes = head.includes('\r\nconnection: close');
    let end = headEnd + 4;
    if (!bodiless && status !== 204 && status !== 304) {
      const mark = head.indexOf('\r\ncontent-length:');
      if (mark !== -1) end += Number.parseInt(head.slice(mark + 17, mark + 30), 10);
      else if (head.includes('\r\ntransfer-encoding: chunked')) {
        const last = text.indexOf('0\r\n\r\n', end);
        if (last === -1) return null;
        end = last + 5;
      } else return null;
    }
    return text.length < end ? null : { status, text: text.slice(start, end), end, closes };
  }
}

/** Runs until `count` mutated requests are dealt with, or something is wrong. */
export async function fuzzLive(relay: LiveRelay, options: LiveOptions): Promise<LiveReport> {
  const { count, pieces, sockets = 16, pipelined = 40 } = options;
  const good = relay.tokens.flatMap(templatesFor);
  const refused = relay.refused.flatMap(templatesFor);
  const templates = [...good, ...refused];
  const startedMs = performance.now();
  const tally: Tally = {
    requests: 0,
    wild: 0,
    connections: 0,
    honest: 0,
    statuses: {},
    codes: {},
    faults: [],
  };
  const fault = (words: string): void => {
    if (tally.faults.length < 20) tally.faults.push(words);
  };
  const over = () =>
    tally.requests >= count ||
    performance.now() - startedMs > options.maxSeconds * 1000 ||
    tally.faults.length + relay.logFaults.length + relay.upstream.faults.length > 0;

  function judge(text: string, status: number, sent: string): void {
    tally.statuses[status] = (tally.statuses[status] ?? 0) + 1;
    if (!STATUSES.has(status) || status === 500)
      fault(`status ${status} to ${JSON.stringify(sent.slice(0, 3000))}: ${text.slice(0, 600)}`);
    // a preflight is told the header names that it asked for, whatever they are
    if (relay.shows(text.replace(/^access-control-allow-headers:.*$/m, '')))
      fault(`a secret in the answer to ${JSON.stringify(sent.slice(0, 3000))}: ${text.slice(0, 2000)}`);
    if (status < 400) return;
    const code = /"(?:code|reason)": ?"([A-Za-z_]+)"/.exec(text)?.[1]?.toLowerCase();
    if (code !== undefined) tally.codes[code] = (tally.codes[code] ?? 0) + 1;
    const plain =
      code === undefined && (status === 404 || status === 400) && !text.includes('application/json');
    const bodiless = text.endsWith('\r\n\r\n');
    if (!plain && !bodiless && !CODES.has(code ?? '')) fault(`no known code: ${text.slice(0, 600)}`);
  }

  /** One connection: writes of many framed requests and a wild one, until an answer or the wild one ends it. */
  async function runConnection(random: Random): Promise<void> {
    const socket = connect(relay.port, '127.0.0.1');
    tally.connections += 1;
    const reader = createReader(socket);
    while (!over() && !reader.closed()) {
      const batch: Template[] = [];
      for (let i = 0; i < pipelined; i++)
        batch.push(mutateFramed(random.pick(random.oneIn(4) ? good : refused), random, templates, pieces));
      const wild = random.oneIn(3) ? mutateWild(random.pick(templates), random, templates, pieces) : null;
      const texts = batch.map(writeRequest);
      socket.write(texts.join('') + (wild ?? ''), 'latin1');
      for (const [i, { method }] of batch.entries()) {
        const answer = await reader.answer(method === 'HEAD', PATIENCE_MS);
        if (answer === 'late') {
          fault(`no answer in ${PATIENCE_MS} ms to ${JSON.stringify(texts[i])}`);
          break;
        }
        if (answer === null) break;
        tally.requests += 1;
        judge(answer.text, answer.status, texts[i] as string);
        if (answer.closes) break;
      }
      if (wild === null || reader.closed()) continue;
      await reader.silence(WILD_MS);
      const text = reader.rest();
      tally.requests += 1;
      tally.wild += 1;
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      if (status !== undefined) judge(text, Number(status), wild);
      break;
    }
    socket.destroy();
    await reader.gone;
  }

  async function runSocket(seed: number): Promise<void> {
    const random = createRandom(seed);
    while (!over()) await runConnection(random);
  }

  async function runHonest(): Promise<void> {
    while (!over()) {
      const answer = await callHonestly(relay);
      tally.honest += 1;
      if (answer !== '200 chat.completion') fault(`an honest call got ${answer}`);
      options.onProgress?.(tally.requests);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const ends = relay.server.ended.then(({ code, signal }) => fault(`the relay ended with ${code ?? signal}`));
  const workers = Array.from({ length: sockets }, (_, i) => runSocket(options.seed * 1000 + i));
  await Promise.race([Promise.all([...workers, runHonest()]), ends]);
  const faults = [...tally.faults, ...relay.logFaults, ...relay.upstream.faults];
  return { ...tally, faults, seconds: (performance.now() - startedMs) / 1000 };
}

/** One good call over a connection of its own: status and the kind of object that came. */
export async function callHonestly(relay: LiveRelay): Promise<string> {
  const body = '{"model":"demo-chat","messages":[]}';
  const response = await fetch(
    `http://127.0.0.1:${relay.port}/relayapi/${relay.honest}/v1/chat/completions`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    },
  ).catch((error: unknown) => String(error));
  if (typeof response === 'string') return response;
  const { object } = (await response.json()) as { object?: string };
  return `${response.status} ${object}`;
}

interface Reader {
  /** The next whole answer; null when the connection ended first. */
  answer(bodiless: boolean, patienceMs: number): Promise<Cut | null | 'late'>;
  /** Resolves when the connection has ended, or nothing came for so long. */
  silence(ms: number): Promise<void>;
  /** What came and was not taken as an answer. */
  rest(): string;
  closed(): boolean;
  readonly gone: Promise<void>;
}

function createReader(socket: Socket): Reader {
  let text = '';
  let at = 0;
  let ended = false;
  let wake: (() => void) | null = null;
  const stir = () => {
    wake?.();
    wake = null;
  };
  socket.on('data', (chunk) => {
    text = text.slice(at) + chunk.toString('latin1');
    at = 0;
    stir();
  });
  socket.on('error', () => {});
  const gone = new Promise<void>((resolve) => {
    socket.on('close', () => {
      ended = true;
      stir();
      resolve();
    });
  });

  function news(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        wake = null;
        resolve(false);
      }, ms);
      wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  return {
    async answer(bodiless, patienceMs) {
      for (;;) {
        const cut = cutAnswer(text, at, bodiless);
        if (cut !== null) {
          at = cut.end;
          return cut;
        }
        if (ended) return null;
        if (!(await news(patienceMs))) return 'late';
      }
    },
    async silence(ms) {
      while (!ended && (await news(ms)));
    },
    rest: () => text.slice(at),
    closed: () => ended,
    gone,
  };
}
