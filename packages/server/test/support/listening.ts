/** A Node listener with ingress and a small handler behind it, for tests of the caller's side alone. */
import { type Denial, isDenial } from '../../src/errors.ts';
import type { Arrival } from '../../src/exchange.ts';
import { createIngress } from '../../src/ingress/ingress.ts';
import { createIngressOptions } from '../../src/ingress/options.ts';
import type { ResponseSink } from '../../src/io.ts';
import { renderError } from '../../src/render-error.ts';
import { createNodeListener, type NodeListenerOptions } from '../../src/runtime/node/listener.ts';

/** What to do with a request that passed ingress; every one that comes here counts as "would go upstream". */
export type Serve = (arrival: Arrival, sink: ResponseSink, tools: Tools) => Promise<void> | void;

/** What a handler may use. */
export interface Tools {
  refuse(arrival: Arrival, denial: Denial, sink: ResponseSink): void;
  collect(arrival: Arrival, maxBytes: number): Promise<Uint8Array | Denial>;
}

/** A running listener and what it saw. */
export interface Listening {
  readonly port: number;
  readonly base: string;
  /** Requests that passed ingress. */
  readonly served: Arrival[];
  /** Requests that went to the shell. */
  readonly elsewhere: string[];
  readonly faults: unknown[];
  close(drainMs?: number): Promise<void>;
}

/** Starts a listener on a free port. */
export async function listenWith(
  serve: Serve,
  options: Partial<NodeListenerOptions> = {},
): Promise<Listening> {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const ingress = createIngress(createIngressOptions(), { clock });
  const served: Arrival[] = [];
  const elsewhere: string[] = [];
  const faults: unknown[] = [];
  const tools: Tools = {
    refuse(arrival, denial, sink) {
      const { status, headers, body } = renderError(denial, arrival);
      sink.start(status, [...ingress.answerHeaders(arrival, null), ...headers]);
      sink.end(body);
    },
    async collect(arrival, maxBytes) {
      const body = await ingress.collectBody(arrival, 'token', maxBytes);
      ingress.releaseBody(arrival);
      return body;
    },
  };
  const listener = createNodeListener({
    relay: {
      matches: ingress.matches,
      async handle(request, sink) {
        const { arrival, denial, preflight } = ingress.receive(request);
        if (preflight) {
          sink.start(204, ingress.preflightHeaders(arrival));
          sink.end();
        } else if (isDenial(denial)) tools.refuse(arrival, denial, sink);
        else {
          served.push(arrival);
          await serve(arrival, sink, tools);
        }
      },
    },
    fallback(req, res) {
      elsewhere.push(`${req.method} ${req.url}`);
      res.end('shell');
    },
    options: { host: '127.0.0.1', port: 0, onFault: (fault) => faults.push(fault), ...options },
  });
  const { port } = await listener.listen();
  return {
    port,
    base: `http://127.0.0.1:${port}`,
    served,
    elsewhere,
    faults,
    close: (drainMs = 0) => listener.close(drainMs),
  };
}

/** Answers with the length of the body. */
export const answerLength: Serve = async (arrival, sink, { collect, refuse }) => {
  const body = await collect(arrival, 1000);
  if (isDenial(body)) return refuse(arrival, body, sink);
  sink.start(200, [['content-type', 'text/plain']]);
  sink.end(new TextEncoder().encode(`got ${body.length}`));
};
