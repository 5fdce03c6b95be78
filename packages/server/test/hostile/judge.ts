/**
 * An upstream that judges with other code than the relay's (Node's own HTTP server): which requests came whole, and which broke off.
 * Its answer names the target that it answers, so that an answer at the wrong place gives itself away.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as the upstream saw it. */
export interface Heard {
  /** As on the wire. */
  readonly target: string;
  readonly method: string;
  body: string;
  /** False while it is incomplete, and for ever when it broke off. */
  whole: boolean;
}

/** A running judge. */
export interface Judge {
  readonly origin: string;
  readonly port: number;
  /** Connections accepted, also those without a byte. */
  readonly connections: number;
  readonly heard: readonly Heard[];
  close(): Promise<void>;
}

/** Starts a judge on a free port. */
export async function startJudge(): Promise<Judge> {
  let connections = 0;
  const heard: Heard[] = [];
  const server = createServer((req, res) => {
    const one: Heard = { target: req.url ?? '', method: req.method ?? '', body: '', whole: false };
    heard.push(one);
    req.setEncoding('latin1').on('data', (text: string) => {
      one.body += text;
    });
    req.on('error', () => {});
    req.on('end', () => {
      one.whole = req.complete;
      const answer = () => res.end(JSON.stringify({ target: one.target }));
      res.setHeader('content-type', 'application/json');
      if (one.body === 'slow') setTimeout(answer, 100);
      else answer();
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections;
    },
    heard,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
