/** A program that runs clients: one JSON object a line goes in, one comes out, in any order (clients/sdks.ts, clients/jobs.ts, clients/sdks.py). */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a client is asked to do. */
export interface Order {
  readonly client: string;
  readonly way: 'plain' | 'streamed';
  readonly door: {
    readonly base: string;
    readonly key: string;
    readonly model: string;
    readonly prompt: string;
  };
}

/** One step of a job (clients/jobs.ts). */
export interface JobOrder {
  readonly client: string;
  readonly step: string;
  readonly door: { readonly base: string; readonly key: string };
  /** Ids and URLs of other steps. */
  readonly given?: Readonly<Record<string, string>>;
}

/** The answer's text, or what the client's own exception says. */
export type Result = { readonly text: string } | { readonly error: string };

/** A running program. */
export interface ClientProgram {
  ask(order: Order | JobOrder): Promise<Result>;
  /** What it printed to standard error. */
  complaints(): string;
  stop(): void;
}

/** More at the same time, and on a busy machine the clients' own time limits are met. */
const MAX_AT_ONCE = 40;

/** Lets so many run at the same time; the others wait for their turn. */
export function limitTo(most: number): <T>(run: () => Promise<T>) => Promise<T> {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (run) => {
    if (running >= most) await new Promise<void>((resolve) => queue.push(resolve));
    else running++;
    try {
      return await run();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  };
}

/** Starts it. When it ends by itself, whoever waits is told. */
export function startClientProgram(command: string, args: readonly string[]): ClientProgram {
  const child: ChildProcess = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_NO_WARNINGS: '1', NO_PROXY: '*' },
  });
  const waiting = new Map<number, (result: Result) => void>();
  let complaints = '';
  let ended: string | null = null;
  let last = 0;
  const giveUp = (why: string) => {
    ended = why;
    for (const settle of waiting.values()) settle({ error: why });
    waiting.clear();
  };
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  child.on('error', (error) => giveUp(`the client program did not start: ${error.message}`));
  child.on('close', (code) => giveUp(`the client program ended with ${code}: ${complaints}`));
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const { id, ...result } = JSON.parse(line) as { id: number } & Result;
    waiting.get(id)?.(result as Result);
    waiting.delete(id);
  });
  const send = (order: Order | JobOrder): Promise<Result> =>
    new Promise((resolve) => {
      if (ended !== null) return resolve({ error: ended });
      const id = ++last;
      waiting.set(id, resolve);
      child.stdin?.write(`${JSON.stringify({ id, ...order })}\n`);
    });
  const atOnce = limitTo(MAX_AT_ONCE);
  return {
    ask: (order) => atOnce(() => send(order)),
    complaints: () => complaints,
    stop: () => void child.kill('SIGKILL'),
  };
}
