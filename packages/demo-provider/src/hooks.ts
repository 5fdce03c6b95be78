/** What a test may put before the dialects: a handler that sees all, a queue of steps, a script. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RecordedRequest } from './recorder.ts';

/** Everything a hook gets. */
export interface DemoExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The raw connection: for bytes that Node's response would not write. */
  readonly socket: Socket;
  readonly recorded: RecordedRequest;
  /** Reads and records the body. Without a call to it the body stays unread; resolves with what came before an abort. */
  readBody(): Promise<Buffer>;
  /** Ends the connection, with a FIN after what was written (default) or a RST, and records that it was us. */
  cut(how?: 'fin' | 'rst'): void;
}

/** Answers one request by hand. The response must be ended, or the socket destroyed, by the responder. */
export type Responder = (exchange: DemoExchange) => void | Promise<void>;

/** One scripted step: a responder, or knobs such as `demo-error-503`. */
export type Step = Responder | string;

/** Gives each request its step; undefined lets it be answered as usual. */
export type StepChooser = (exchange: DemoExchange) => Step | undefined | Promise<Step | undefined>;

/** Sees every request first; true, or a promise of it, means that it has dealt with it. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  exchange: DemoExchange,
) => boolean | Promise<boolean>;

/** The hooks of one demo provider. */
export interface Hooks {
  handle: Handler | null;
  next(...steps: Step[]): void;
  script(steps: StepChooser | readonly Step[] | null): void;
  reset(): void;
  /** Whether any hook is set: the fast path asks this and nothing else. */
  isSet(): boolean;
  /** What to do with this request: `handled`, or the step that was queued or chosen for it. */
  choose(exchange: DemoExchange): Promise<'handled' | { step: Step | undefined }>;
}

/** Creates hooks that do nothing yet. */
export function createHooks(): Hooks {
  let queue: Step[] = [];
  let chooser: StepChooser | null = null;
  const hooks: Hooks = {
    handle: null,
    next: (...steps) => void queue.push(...steps),
    script(steps) {
      chooser = typeof steps === 'function' ? steps : null;
      queue = Array.isArray(steps) ? [...steps] : [];
    },
    reset() {
      queue = [];
      chooser = null;
      hooks.handle = null;
    },
    isSet: () => hooks.handle !== null || queue.length > 0 || chooser !== null,
    async choose(exchange) {
      // Taken before anything is awaited, so that parallel requests get the steps in the order they arrived.
      const queued = hooks.handle === null ? queue.shift() : undefined;
      if (hooks.handle && (await hooks.handle(exchange.request, exchange.response, exchange)))
        return 'handled';
      return { step: queued ?? queue.shift() ?? (await chooser?.(exchange)) };
    },
  };
  return hooks;
}
