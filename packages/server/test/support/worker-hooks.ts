/**
 * Loaded by a test into every thread of the program (`--import`): has one worker do what the test asks for by the program's channel.
 * Not part of the relay.
 */
import { isMainThread, threadName } from 'node:worker_threads';

/** What a test asks for, and of which worker: 1 is the first. */
export interface WorkerHook {
  readonly worker: number;
  readonly act: 'throw' | 'reject' | 'exit' | 'out of memory' | 'block';
  /** Stands in what is thrown. */
  readonly text: string;
}

const ACTS: Record<WorkerHook['act'], (text: string) => void> = {
  throw: (text) => {
    throw new Error(`thrown ${text}`);
  },
  reject: (text) => void Promise.reject(new TypeError(`rejected ${text}`)),
  exit: () => process.exit(7),
  'out of memory': () => {
    const hold: unknown[] = [];
    for (;;) hold.push(new Array(10_000).fill(hold.length));
  },
  // until the process ends: the thread does not come back
  block: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
};

const channel = new BroadcastChannel('relayapi-test-hooks');
if (isMainThread) {
  process.on('message', (hook) => channel.postMessage(hook));
  process.channel?.unref();
} else {
  channel.onmessage = ({ data }: MessageEvent) => {
    const { worker, act, text } = data as WorkerHook;
    if (threadName === `relay ${worker}`) setImmediate(() => ACTS[act](text));
  };
}
// must not keep a thread alive
(channel as unknown as { unref(): void }).unref();
