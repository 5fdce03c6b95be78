/** HTTP/2 as frames over a bare TLS connection: headers that no client library would send. No HPACK table, no Huffman, no priorities. */
import { connect } from 'node:tls';
import type { RunningProxy } from './proxy-process.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY] = [0, 1, 3, 4, 6, 7];
const END_STREAM = 1;
const END_HEADERS = 4;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A string literal without Huffman; lengths up to 2^21. */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const rest = bytes.length - 127;
  const length = [127];
  let left = rest;
  for (; left >= 128; left >>= 7) length.push((left & 127) | 128);
  length.push(left);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A field that is never indexed. */
const field = (name: string, value: string) =>
  Buffer.concat([Buffer.from([0x10]), literal(name), literal(value)]);

/** What came back, as far as frames tell. */
export interface FrameAnswer {
  /** Streams that got a HEADERS frame. */
  readonly answered: readonly number[];
  /** Streams that were reset. */
  readonly reset: readonly number[];
  /** DATA of all streams, joined. */
  readonly text: string;
  readonly goaway: boolean;
}

/** One request: its header fields as they stand and pieces of its body. */
export interface RawStream {
  readonly fields: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** Sends each stream whole, one after the other, and reads until all are answered, the connection ends or `timeoutMs` have passed. */
export function sendFrames(
  proxy: RunningProxy,
  streams: readonly RawStream[],
  timeoutMs = 1500,
): Promise<FrameAnswer> {
  return new Promise((resolve) => {
    const answered = new Set<number>();
    const ended = new Set<number>();
    const reset = new Set<number>();
    let text = '';
    let goaway = false;
    let waiting = Buffer.alloc(0);
    const socket = connect({
      host: proxy.host,
      port: proxy.port,
      servername: 'localhost',
      ca: proxy.ca,
      ALPNProtocols: ['h2'],
    });
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ answered: [...answered], reset: [...reset], text, goaway });
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on('error', () => {});
    socket.on('close', finish);
    socket.on('secureConnect', () => {
      socket.write(PREFACE);
      socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
      streams.forEach(({ fields, body }, i) => {
        const id = 2 * i + 1;
        const block = Buffer.concat(fields.map(([name, value]) => field(name, value)));
        socket.write(frame(HEADERS, END_HEADERS | (body === undefined ? END_STREAM : 0), id, block));
        if (body !== undefined) socket.write(frame(DATA, END_STREAM, id, Buffer.from(body, 'latin1')));
      });
    });
    function take(type: number, flags: number, id: number, payload: Buffer): void {
      if (type === SETTINGS && (flags & 1) === 0) socket.write(frame(SETTINGS, 1, 0, Buffer.alloc(0)));
      if (type === PING && (flags & 1) === 0) socket.write(frame(PING, 1, 0, payload));
      if (type === HEADERS) answered.add(id);
      if (type === DATA) text += payload.toString('latin1');
      if (type === RST_STREAM) reset.add(id);
      if (type === GOAWAY) goaway = true;
      if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) ended.add(id);
      if (new Set([...ended, ...reset]).size >= streams.length) finish();
    }
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= 9) {
        const length = waiting.readUIntBE(0, 3);
        if (waiting.length < 9 + length) return;
        const [type, flags, id] = [waiting[3] as number, waiting[4] as number, waiting.readUInt32BE(5)];
        const payload = Buffer.from(waiting.subarray(9, 9 + length));
        waiting = waiting.subarray(9 + length);
        take(type, flags, id & 0x7fffffff, payload);
      }
    });
  });
}
