/** Talks to a relay as bytes on one connection, many connections at a time, and takes apart what comes back. */
import { connect } from 'node:net';
import { parseAnswer } from '../support/raw-http.ts';
import { wordOf } from './reading.ts';

/** What came back on a connection. */
export interface Talk {
  readonly text: string;
  /** True when the other side ended the connection; false when it was silent for long enough. */
  readonly closed: boolean;
}

/** How a talk is held. */
export interface TalkOptions {
  /** Answers after which the connection is given `quietMs` more and then left; default: it is waited for the end of it. */
  readonly answers?: number;
  /** Longest wait for the end, in milliseconds. */
  readonly maxMs?: number;
  readonly quietMs?: number;
}

/** Every final answer in a text, each from its status line to the next one's. */
export function answersIn(text: string): string[] {
  const parts = text.split(/(?=HTTP\/1\.1 \d{3} )/);
  return parts.filter((part) => /^HTTP\/1\.1 [2-9]/.test(part));
}

/** Sends latin1 bytes and listens until the other side ends the connection or says no more. */
export function talk(port: number, bytes: string, options: TalkOptions = {}): Promise<Talk> {
  const { answers = Number.POSITIVE_INFINITY, maxMs = 8000, quietMs = 150 } = options;
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let quiet: NodeJS.Timeout | undefined;
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      clearTimeout(quiet);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(() => finish(false), maxMs);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (answersIn(text).length < answers) return;
      clearTimeout(quiet);
      quiet = setTimeout(() => finish(false), quietMs);
    });
    socket.on('error', () => {});
    socket.on('close', () => finish(true));
    socket.write(bytes, 'latin1');
  });
}

/** `400 bad_framing` for a refusal, `200 /v1/chat/x` for the upstream's answer to that target, `200 -` for any other. */
export function wordIn(answer: string): string {
  const { status, body } = parseAnswer(answer);
  try {
    const { target } = JSON.parse(body) as { target?: unknown };
    if (typeof target === 'string') return `${status} ${target}`;
  } catch {
    // no JSON: no target
  }
  return wordOf(status, body);
}

/** `{{x*3}}` written out. */
export function writeOut(text: string): string {
  return text.replace(/\{\{([^*]*)\*(\d+)\}\}/gs, (_, piece: string, times: string) =>
    piece.repeat(Number(times)),
  );
}

/** Runs `work` over all items, `width` at a time, results in their order. */
export async function mapWide<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const walk = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as Item, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, walk));
  return results;
}
