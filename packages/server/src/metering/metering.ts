/**
 * Metering, the stage's entry: a tap that watches an answer pass and reads its usage once, at the end (performance B4).
 * It never changes, holds back or fails an answer.
 */
import type { Dialect } from '../dialects/dialect.ts';
import type { AdmittedCall, Tap } from '../exchange.ts';
import type { DialectName } from '../providers/provider.ts';
import type { Usage } from '../usage.ts';
import { createChunkTail, createTail, type Tail } from './tail.ts';

/** What metering needs from outside. */
export interface MeteringPorts {
  readonly dialects: Readonly<Record<DialectName, Dialect>>;
}

/** The metering stage. */
export interface Metering {
  /** A fresh tap for one call. */
  tapFor(call: Pick<AdmittedCall, 'route'>): Tap;
}

/** Of a stream: usage stands in the last events, but Anthropic's input in the first. */
const STREAM_HEAD_BYTES = 4 * 1024;
const STREAM_TAIL_BYTES = 8 * 1024;
/** Of a JSON answer: usage is one of its last members. */
const BODY_TAIL_BYTES = 64 * 1024;

const NO_TAP: Tap = { onHeaders: () => {}, onData: () => {}, finish: () => null };

/** Makes the stage. */
export function createMetering({ dialects }: MeteringPorts): Metering {
  return {
    tapFor({ route }) {
      const name = route.endpoint?.dialect;
      if (name === undefined || name === 'opaque' || name === 'deepl') return NO_TAP;
      return new UsageTap(dialects[name]);
    },
  };
}

class UsageTap implements Tap {
  readonly #dialect: Dialect;
  #streamed = false;
  #head: Tail | null = null;
  #tail: Tail | null = null;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  onHeaders(status: number, contentType: string | null): void {
    const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (status < 200 || status > 299 || !holdsUsage(type)) return;
    this.#streamed = type === 'text/event-stream';
    this.#tail = this.#streamed ? createTail(STREAM_TAIL_BYTES) : createChunkTail(BODY_TAIL_BYTES);
    this.#head = this.#streamed && this.#dialect.usageAtStart ? createTail(STREAM_HEAD_BYTES) : null;
  }

  onData(chunk: Uint8Array): void {
    if (this.#tail === null) return;
    const room = this.#head === null ? 0 : STREAM_HEAD_BYTES - this.#head.total();
    if (room > 0) this.#head?.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#tail.push(chunk);
  }

  finish(): Usage | null {
    const tail = this.#tail;
    return tail === null ? null : this.#dialect.readUsage(textOf(this.#head, tail), this.#streamed);
  }
}

function holdsUsage(type: string): boolean {
  return type === 'text/event-stream' || type === 'application/json' || type.endsWith('+json');
}

const decoder = new TextDecoder('utf-8', { fatal: false });

// The head stands before the tail only where the tail does not reach back to the start.
function textOf(head: Tail | null, tail: Tail): string {
  const end = decoder.decode(tail.bytes());
  if (head === null || tail.total() <= STREAM_TAIL_BYTES) return end;
  const start = decoder.decode(head.bytes());
  return `${start.slice(0, start.lastIndexOf('\n') + 1)}\n${end}`;
}
