/**
 * Reads a log of any size, line by line in bounded memory: plain or packed (gzip, zstd), UTF-8 or UTF-16, with bytes of any kind in it.
 * A line without an end comes in overlapping pieces, so that what stands across a cut is whole in one of them.
 */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** A line, or a piece of a very long one. One character per byte, so that columns are bytes; UTF-16 is turned into characters first. */
export interface LogPiece {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Column of the first character, from 1. */
  readonly column: number;
  /** What begins before this place of the text is this piece's to find; the rest comes again with the next one. */
  readonly until: number;
}

/** Longer lines come in pieces. */
const PIECE = 128 * 1024;
/** How much of a piece comes again: more than the longest token and what stands around it. */
const OVERLAP = 16 * 1024;

/** The lines of a file or stream. Throws system errors and those of damaged archives, after what could be read. */
export async function* readLog(source: string | AsyncIterable<Uint8Array>): AsyncGenerator<LogPiece> {
  const bytes = typeof source === 'string' ? createReadStream(source) : source;
  let waiting = '';
  let line = 1;
  let column = 1;
  for await (const text of decode(bytes)) {
    waiting += text;
    let from = 0;
    for (let end = waiting.indexOf('\n'); end !== -1; end = waiting.indexOf('\n', from)) {
      yield { text: waiting.slice(from, end), line, column, until: end - from };
      from = end + 1;
      line += 1;
      column = 1;
    }
    waiting = waiting.slice(from);
    while (waiting.length > PIECE) {
      const until = PIECE - OVERLAP;
      yield { text: waiting.slice(0, PIECE), line, column, until };
      waiting = waiting.slice(until);
      column += until;
    }
  }
  if (waiting !== '') yield { text: waiting, line, column, until: waiting.length };
}

/** Text of the bytes, unpacked where they are packed; told by how they begin, not by a name. */
async function* decode(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const iterator = bytes[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const { value, done } = await iterator.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const whole = Readable.from(rejoin(head, iterator), { objectMode: false });
  const unpack = unpackerFor(head);
  const plain = unpack === null ? whole : whole.pipe(unpack);
  // a reader that fails must end what waits for it
  if (unpack !== null) whole.on('error', (error) => unpack.destroy(error));
  const wide = head[0] === 0xff && head[1] === 0xfe;
  const decoder = new TextDecoder('utf-16le');
  for await (const chunk of plain) {
    const piece = chunk as Buffer;
    yield wide ? decoder.decode(piece, { stream: true }) : piece.toString('latin1');
  }
}

async function* rejoin(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (;;) {
    const { value, done } = await rest.next();
    if (done) return;
    yield value;
  }
}

function unpackerFor(head: Buffer) {
  if (head[0] === 0x1f && head[1] === 0x8b) return createGunzip();
  return head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528 ? createZstdDecompress() : null;
}
