/** Writes a reply to the wire and plays the wire knobs: pace, cuts, stalls, lies. It knows no dialect. */
import type { ServerResponse } from 'node:http';
import { createGzip, gzipSync } from 'node:zlib';
import { escapeSecretInJson, HUGE_MARK, HUGE_PIECE } from './answer.ts';
import type { Reply } from './call.ts';
import type { Knobs } from './knob-table.ts';
import { NO_KNOBS } from './knobs.ts';
import { oddHeaders } from './odd-headers.ts';

// Taken at load, so that a test's fake clock does not stop this server's own timers.
const startTimer = globalThis.setTimeout;
const stopTimer = globalThis.clearTimeout;

// Between the last chunk and a cut. Without it both arrive together, and fetch drops what it has not yet handed out.
const CUT_GRACE_MS = 20;

/** What the sender needs beside the reply. */
export interface SendContext {
  readonly knobs: Knobs;
  readonly credential: string;
  /** Milliseconds between the frames of a stream where no knob says so. */
  readonly paceMs: number;
  /** Told before the provider itself cuts a connection. */
  readonly onCut: () => void;
}

/** Waits, but not longer than the connection lives. */
export function pause(response: ServerResponse, ms: number): Promise<void> {
  if (response.destroyed || response.socket?.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stopTimer(timer);
      response.off('close', done);
      resolve();
    };
    const timer = startTimer(done, ms);
    response.on('close', done);
  });
}

/** Ends a connection at once, with a FIN after what was written or with a RST. */
export function cutConnection(response: ServerResponse, how: 'fin' | 'rst', onCut: () => void): void {
  onCut();
  const socket = response.socket;
  if (how === 'rst' && socket && 'resetAndDestroy' in socket) socket.resetAndDestroy();
  else socket?.destroySoon();
}

async function cutLate(response: ServerResponse, how: 'fin' | 'rst', onCut: () => void): Promise<void> {
  await pause(response, CUT_GRACE_MS);
  if (!response.destroyed) cutConnection(response, how, onCut);
}

/** Sends a reply as the knobs want it. Resolves when nothing more will be written. */
export async function sendReply(response: ServerResponse, reply: Reply, context: SendContext): Promise<void> {
  const { knobs } = context;
  if (knobs === NO_KNOBS && reply.frames === undefined) {
    response.writeHead(reply.status, {
      'content-type': reply.contentType,
      'content-length': Buffer.byteLength(reply.body),
      ...reply.headers,
    });
    response.end(reply.body);
    return;
  }
  if (knobs.lengthLie) return sendLie(response, reply, context);
  const wholeLength = writeHead(response, reply, context);
  if (knobs.bombMiB !== undefined) return sendBomb(response, knobs.bombMiB);
  await sendChunks(response, wholeLength ? [reply.body] : chunksOf(reply, context), reply, context);
}

/** Writes status and headers; true if the body goes out whole under its length. */
function writeHead(response: ServerResponse, reply: Reply, { knobs, credential }: SendContext): boolean {
  const names = new Map<string, string | string[]>(Object.entries(reply.headers));
  names.set('content-type', knobs.contentType ?? reply.contentType);
  if (knobs.oddHeaders) for (const [name, value] of oddHeaders(credential)) names.set(name, value);
  if (knobs.echoHeaders) {
    for (const name of [
      'request-id',
      'x-request-id',
      'content-disposition',
      'x-ratelimit-limit-requests',
      'x-echo',
    ]) {
      names.set(name, `echo ${credential}`);
    }
  }
  if (knobs.bigHeaderKiB !== undefined) names.set('x-big', 'b'.repeat(knobs.bigHeaderKiB * 1024));
  if (knobs.contentEncoding !== undefined) names.set('content-encoding', knobs.contentEncoding);
  if (knobs.gzip || knobs.bombMiB !== undefined) names.set('content-encoding', 'gzip');
  if (knobs.trailer) names.set('trailer', 'x-demo-trailer, x-demo-credential');
  if (knobs.closeAfter) names.set('connection', 'close');
  const whole = isWhole(reply, knobs);
  if (whole) names.set('content-length', String(Buffer.byteLength(reply.body)));
  response.writeHead(
    knobs.status ?? reply.status,
    [...names].flatMap(([name, value]) => spread(name, value)),
  );
  return whole;
}

function spread(name: string, value: string | string[]): string[] {
  return Array.isArray(value) ? value.flatMap((one) => [name, one]) : [name, value];
}

function isWhole(reply: Reply, knobs: Knobs): boolean {
  if (reply.frames || knobs.gzip || knobs.bombMiB !== undefined || knobs.trailer || knobs.truncate)
    return false;
  if (knobs.hugeMiB !== undefined || knobs.pieces !== undefined || knobs.byteWise || knobs.leak === 'json')
    return false;
  return (
    knobs.dieAfter === undefined &&
    knobs.stallAfter === undefined &&
    !knobs.midframe &&
    knobs.gapMs === undefined
  );
}

/** The writes of an answer, before pace and cuts. */
function* chunksOf(reply: Reply, { knobs, credential }: SendContext): Generator<string | Buffer> {
  const { body } = reply;
  if (reply.frames) {
    for (let frame of reply.frames) {
      if (typeof frame !== 'string') {
        yield knobs.gzip ? gzipSync(frame) : frame;
        continue;
      }
      if (knobs.leak === 'json') frame = escapeSecretInJson(frame, credential);
      if (knobs.crlf) frame = frame.replaceAll('\n', '\r\n');
      if (knobs.comments) frame = `: keep going\n\n${frame}`;
      // A gzip file may have many members, so each frame can be one.
      yield knobs.gzip ? gzipSync(frame) : frame;
    }
  } else if (knobs.gzip) {
    yield gzipSync(body);
  } else if (typeof body === 'string' && body.includes(JSON.stringify(HUGE_MARK).slice(1, -1))) {
    const [before, after] = body.split(JSON.stringify(HUGE_MARK).slice(1, -1)) as [string, string];
    yield before;
    const piece = JSON.stringify(HUGE_PIECE).slice(1, -1);
    for (let i = 0; i < (knobs.hugeMiB ?? 0) * 16; i++) yield piece;
    yield after;
  } else {
    const text =
      typeof body === 'string' && knobs.leak === 'json' ? escapeSecretInJson(body, credential) : body;
    yield* cutUp(Buffer.from(text as string), knobs.pieces ?? (knobs.dieAfter ?? knobs.stallAfter ?? 3) + 1);
  }
}

function* cutUp(bytes: Buffer, count: number): Generator<Buffer> {
  for (let i = 0; i < count; i++) {
    const part = bytes.subarray(
      Math.floor((bytes.length * i) / count),
      Math.floor((bytes.length * (i + 1)) / count),
    );
    if (part.length > 0) yield part;
  }
}

async function sendChunks(
  response: ServerResponse,
  chunks: Iterable<string | Buffer>,
  reply: Reply,
  context: SendContext,
): Promise<void> {
  const { knobs, onCut } = context;
  const gapMs = knobs.gapMs ?? (reply.frames ? context.paceMs : 0);
  const list = knobs.truncate ? firstHalf([...chunks]) : chunks;
  let sent = 0;
  response.flushHeaders();
  for (const chunk of list) {
    if (knobs.dieAfter === sent) return cutLate(response, knobs.dieHow ?? 'fin', onCut);
    if (knobs.stallAfter === sent) return;
    if (knobs.errorFrameAfter === sent && reply.errorFrame) break;
    if (gapMs > 0 && sent > 0) await pause(response, gapMs);
    if (knobs.midframe && sent === 1) {
      await write(response, Buffer.from(chunk as string).subarray(0, Math.max(1, chunk.length >> 1)));
      return cutLate(response, 'fin', onCut);
    }
    if (knobs.byteWise)
      for (const byte of Buffer.from(chunk as string)) await write(response, Buffer.of(byte), true);
    else await write(response, chunk);
    if (response.destroyed) return;
    sent++;
  }
  if (knobs.dieAfter !== undefined) return cutLate(response, knobs.dieHow ?? 'fin', onCut);
  if (knobs.stallAfter !== undefined) return;
  if (knobs.errorFrameAfter !== undefined && reply.errorFrame) await write(response, reply.errorFrame);
  if (knobs.trailer)
    response.addTrailers({ 'x-demo-trailer': 'the end', 'x-demo-credential': context.credential });
  response.end();
}

function firstHalf(chunks: (string | Buffer)[]): (string | Buffer)[] {
  return chunks.slice(0, Math.max(1, chunks.length >> 1));
}

/** Writes one chunk and waits while the reader is behind, or, with `alone`, until it left the process. */
function write(response: ServerResponse, chunk: string | Buffer, alone = false): Promise<void> | undefined {
  if (response.destroyed || response.socket?.destroyed) return;
  if (alone) {
    return new Promise((resolve) => {
      response.write(chunk, () => setImmediate(resolve));
    });
  }
  if (response.write(chunk)) return;
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

async function sendBomb(response: ServerResponse, mebibytes: number): Promise<void> {
  const gzip = createGzip({ level: 9 });
  gzip.pipe(response);
  response.on('close', () => gzip.destroy());
  const zeros = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < mebibytes && !gzip.destroyed; i++) {
    await new Promise<void>((resolve) => {
      gzip.once('close', resolve);
      gzip.write(zeros, () => {
        gzip.off('close', resolve);
        resolve();
      });
    });
  }
  gzip.end();
}

/** Node's own response would correct the length, so this one is written by hand. */
function sendLie(response: ServerResponse, reply: Reply, { knobs, onCut }: SendContext): void {
  const parts = reply.frames ? [...reply.frames] : [reply.body];
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const claimed = knobs.lengthLie === 'short' ? Math.max(0, body.length - 10) : body.length + 100;
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${reply.contentType}\r\ncontent-length: ${claimed}\r\n\r\n`;
  response.socket?.write(Buffer.concat([Buffer.from(head), body]));
  cutConnection(response, 'fin', onCut);
}
