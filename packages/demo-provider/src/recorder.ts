/** Keeps what arrived at the demo provider, head and body, newest last and bounded. It judges nothing. */
import { createHash, type Hash } from 'node:crypto';

const KEPT_BODY_BYTES = 1024 * 1024;
// Taken at load, so that a test's fake clock does not stop this server's own timers.
const realNow = Date.now.bind(Date);
const startTimer = globalThis.setTimeout;
const stopTimer = globalThis.clearTimeout;

/** One request as it came over the wire. Fields fill in while it is served. */
export interface RecordedRequest {
  /** Position since the start or the last reset, from 0. */
  readonly index: number;
  readonly method: string;
  /** The request target, byte for byte. */
  readonly rawTarget: string;
  /** Names and values in turn, with the sender's own case and order. */
  readonly rawHeaders: readonly string[];
  /** Lower-case names; repeated ones joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The first MiB of the body. */
  readonly body: Buffer;
  /** How many body bytes arrived in all. */
  readonly bodyBytes: number;
  /** Hex digest of the whole body, also of what is beyond the kept MiB. */
  readonly sha256: string;
  /** Whether the request body arrived to its end. */
  readonly complete: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** When the answer was done or the connection gone; null until then. */
  readonly closedAt: number | null;
  /** Whether the caller went away before the answer was complete. */
  readonly closedEarly: boolean;
  /** Whether the demo provider itself cut the connection (a knob asked for it). */
  readonly cut: boolean;
  /** Same number, same connection. */
  readonly socketId: number;
  /** The status that was sent, null if none was. */
  readonly status: number | null;
}

/** The writing side of a record, held by the server. */
export interface RecordEntry {
  readonly request: RecordedRequest;
  addBody(chunk: Buffer): void;
  markComplete(): void;
  markCut(): void;
  markClosed(early: boolean, status: number | null): void;
}

/** A bounded list of records and the promises that wait for one. */
export interface Recorder {
  /** Oldest first. The array is the live one: it changes as requests arrive. */
  readonly requests: RecordedRequest[];
  begin(head: { method: string; rawTarget: string; rawHeaders: string[]; socketId: number }): RecordEntry;
  /**
   * Resolves with the first kept record for which the predicate holds, now or later: it is asked again when a
   * request arrives, when body bytes arrive, when the body is complete and when it closes. Rejects after `timeoutMs` (default 2,000).
   */
  waitFor(predicate: (request: RecordedRequest) => boolean, timeoutMs?: number): Promise<RecordedRequest>;
  clear(): void;
}

interface Waiter {
  readonly predicate: (request: RecordedRequest) => boolean;
  readonly settle: (request: RecordedRequest) => void;
}

function joinHeaders(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    const value = rawHeaders[i + 1] as string;
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

/** Creates a recorder that keeps the last `keep` requests. */
export function createRecorder(keep: number): Recorder {
  const requests: RecordedRequest[] = [];
  const waiters = new Set<Waiter>();
  let nextIndex = 0;

  const announce = (request: RecordedRequest): void => {
    for (const waiter of waiters) if (waiter.predicate(request)) waiter.settle(request);
  };

  return {
    requests,
    begin(head) {
      const entry = createEntry(head, nextIndex++, announce);
      requests.push(entry.request);
      if (requests.length > keep) requests.shift();
      if (waiters.size > 0) announce(entry.request);
      return entry;
    },
    waitFor(predicate, timeoutMs = 2_000) {
      const present = requests.find(predicate);
      if (present) return Promise.resolve(present);
      return new Promise((resolve, reject) => {
        const timer = startTimer(() => {
          waiters.delete(waiter);
          reject(new Error(`no such request within ${timeoutMs} ms; ${requests.length} are recorded`));
        }, timeoutMs);
        const waiter: Waiter = {
          predicate,
          settle(request) {
            stopTimer(timer);
            waiters.delete(waiter);
            resolve(request);
          },
        };
        waiters.add(waiter);
      });
    },
    clear() {
      requests.length = 0;
      nextIndex = 0;
    },
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function createEntry(
  head: { method: string; rawTarget: string; rawHeaders: string[]; socketId: number },
  index: number,
  announce: (request: RecordedRequest) => void,
): RecordEntry {
  const body = createBodyRecord();
  let headers: Record<string, string> | null = null;
  // Getters, because most tests look at few of 5,000 records and the digest and header map cost time.
  const request: Writable<RecordedRequest> = {
    index,
    ...head,
    startedAt: realNow(),
    complete: false,
    closedAt: null,
    closedEarly: false,
    cut: false,
    status: null,
    bodyBytes: 0,
    get headers() {
      headers ??= joinHeaders(head.rawHeaders);
      return headers;
    },
    get body() {
      return body.join();
    },
    get sha256() {
      return body.digest();
    },
  };
  return {
    request,
    addBody(chunk) {
      request.bodyBytes += chunk.length;
      body.add(chunk);
      announce(request);
    },
    markComplete() {
      request.complete = true;
      announce(request);
    },
    markCut() {
      request.cut = true;
    },
    markClosed(early, sentStatus) {
      if (request.closedAt !== null) return;
      request.closedAt = realNow();
      request.closedEarly = early;
      request.status = sentStatus;
      announce(request);
    },
  };
}

/** The first MiB of a body and the digest of all of it; hashes while reading only where bytes are let go. */
function createBodyRecord(): { add(chunk: Buffer): void; join(): Buffer; digest(): string } {
  let chunks: Buffer[] = [];
  let keptBytes = 0;
  let hash: Hash | null = null;
  const join = (): Buffer => {
    if (chunks.length !== 1) chunks = [Buffer.concat(chunks)];
    return chunks[0] as Buffer;
  };
  return {
    join,
    digest: () => (hash ? hash.copy() : createHash('sha256').update(join())).digest('hex'),
    add(chunk) {
      if (hash === null && keptBytes + chunk.length > KEPT_BODY_BYTES)
        hash = createHash('sha256').update(join());
      hash?.update(chunk);
      if (keptBytes === KEPT_BODY_BYTES) return;
      const kept = chunk.subarray(0, KEPT_BODY_BYTES - keptBytes);
      keptBytes += kept.length;
      chunks.push(kept);
    },
  };
}
