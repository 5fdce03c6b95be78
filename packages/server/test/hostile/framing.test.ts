/**
 * Raw framing against the real listener with the whole relay behind it: what is not one clear request is answered with 400 on
 * a connection that closes, and neither it nor a request hidden behind it reaches the upstream (behaviour spec §5 "Framing").
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseAnswer } from '../support/raw-http.ts';
import { type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { type Canary, startCanary } from './canary.ts';
import { BROKEN_CHUNKS, FRAMING } from './framing.cases.ts';
import { wordOf } from './reading.ts';

let canary: Canary;
let relay: RelayFixture;
let target: string;
beforeAll(async () => {
  canary = await startCanary();
  relay = await startRelay({
    config: {
      providers: { up: { base_url: `${canary.origin}/v1` } },
      upstream: { allow_private: [`127.0.0.1:${canary.port}`] },
    },
  });
  target = `${new URL(relay.url({ provider: 'up', maxCalls: null })).pathname}/v1/chat/completions`;
});
beforeEach(() => canary.reset());
afterAll(async () => {
  await relay.close();
  await canary.close();
});

interface Talk {
  readonly text: string;
  readonly closed: boolean;
}

/** Writes bytes and listens until the other side closes or has been silent for `quietMs`. */
function talk(bytes: string, quietMs = 1500): Promise<Talk> {
  return new Promise((resolve) => {
    const socket = connect(relay.port, '127.0.0.1');
    let text = '';
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(() => finish(false), quietMs);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => finish(true));
    socket.write(bytes, 'latin1');
  });
}

const HIDDEN = '/v1/embeddings';
const hidden = () =>
  `POST ${target.replace('/v1/chat/completions', HIDDEN)} HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
const answersIn = (text: string) =>
  text.split(/(?=HTTP\/1\.1 \d{3} )/).filter((part) => part.startsWith('HTTP/1.1'));

describe('A22 framing before a hidden request', () => {
  it('two plain requests on one connection are both answered: the hidden one would be heard', async () => {
    const { text } = await talk(hidden().replace(HIDDEN, '/v1/chat/completions') + hidden());
    expect(answersIn(text)).toHaveLength(2);
    expect(canary.targets()).toEqual(['/v1/chat/completions', HIDDEN]);
  });

  it('there are over fifty cases', () => {
    expect(FRAMING.length + BROKEN_CHUNKS.length).toBeGreaterThan(50);
  });

  it.each(FRAMING)(
    '$what: 400, the connection ends, nothing goes up',
    async ({ head, body = '', goesOn = false }) => {
      const bytes = `${head.replace('TARGET', () => target)}\r\n${body}`;
      const { text, closed } = await talk(bytes + hidden(), goesOn ? 300 : 3000);
      // a connection that goes on may hear the next request, but never this one
      expect(canary.targets()).toEqual(goesOn ? [HIDDEN] : []);
      if (!goesOn) expect(canary.connections).toBe(0);
      const [first = '', ...more] = answersIn(text);
      expect(more).toHaveLength(goesOn ? 1 : 0);
      const answer = parseAnswer(first);
      expect(wordOf(answer.status, answer.body)).toBe(goesOn ? '400 bad_target' : '400 bad_framing');
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(closed).toBe(!goesOn);
    },
  );

  it('a request line without a version ends the connection, and nothing goes up', async () => {
    const { closed } = await talk(`GET ${target}\r\n${hidden()}`, 3000);
    expect(closed).toBe(true);
    expect(canary.connections).toBe(0);
  });

  it.each(BROKEN_CHUNKS)('a body with %s is never a whole request upstream', async (_what, body) => {
    const head = `POST ${target} HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const { text, closed } = await talk(head + body + hidden());
    expect(closed).toBe(true);
    expect(canary.targets().filter((seen) => seen === HIDDEN)).toEqual([]);
    // an upstream that saw the head of a streamed body saw no end of it
    expect(canary.heads.length).toBeLessThanOrEqual(1);
    const answers = answersIn(text);
    expect(answers.length).toBeLessThanOrEqual(1);
    if (answers[0] !== undefined && canary.heads.length === 0)
      expect(parseAnswer(answers[0]).status).toBe(400);
  });

  it.each(BROKEN_CHUNKS)(
    'where the body is looked into, %s: 400 and nothing goes up',
    async (_what, body) => {
      const checked = `${new URL(relay.url({ provider: 'up', allowedModels: ['x'] })).pathname}/v1/chat/completions`;
      const head = `POST ${checked} HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const { text, closed } = await talk(head + body + hidden());
      expect(closed).toBe(true);
      expect(canary.connections).toBe(0);
      for (const answer of answersIn(text)) expect(parseAnswer(answer).status).toBe(400);
    },
  );
});
