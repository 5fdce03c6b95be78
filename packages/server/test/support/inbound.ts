/** Inbound requests made of plain values, for tests of what stands behind the runtimes. */
import { BodyAborted, BodyIdle, type InboundRequest } from '../../src/io.ts';

/** What a made request may differ in from a plain GET. */
export interface InboundParts {
  method?: string;
  target?: string;
  /** Flat header lines; `Host: relay.test` stands in front unless `host` is false. */
  headers?: readonly string[];
  host?: boolean;
  httpVersion?: string | null;
  peer?: string | null;
  exact?: boolean;
  upgrade?: boolean;
  /** Pieces of the body; an error is thrown at its place, a function is run before the next piece. */
  body?: readonly (Uint8Array | string | 'aborted' | Error | (() => void))[];
  declaredBytes?: number | null;
}

/** A request whose body remembers whether it was asked for. */
export interface MadeInbound extends InboundRequest {
  readonly seen: { proceeded: number; pulled: number };
}

/** Makes a request. */
export function makeInbound(parts: InboundParts = {}): MadeInbound {
  const seen = { proceeded: 0, pulled: 0 };
  const pieces = parts.body ?? [];
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) {
      if (piece instanceof Error) throw piece;
      if (typeof piece === 'function') piece();
      else {
        seen.pulled++;
        yield typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
      }
    }
  }
  return {
    seen,
    method: parts.method ?? 'GET',
    rawTarget: parts.target ?? '/relayapi/-/v1/models',
    rawHeaders: [...(parts.host === false ? [] : ['Host', 'relay.test']), ...(parts.headers ?? [])],
    httpVersion: parts.httpVersion === undefined ? '1.1' : parts.httpVersion,
    peerAddress: parts.peer === undefined ? '192.0.2.1' : parts.peer,
    exact: parts.exact ?? true,
    upgrade: parts.upgrade ?? false,
    body: {
      declaredBytes: parts.declaredBytes === undefined ? (pieces.length > 0 ? null : 0) : parts.declaredBytes,
      proceed: () => {
        seen.proceeded++;
      },
      chunks,
      discard: async () => {},
    },
  };
}

/** The two ways in which a body ends badly. */
export const aborted = () => new BodyAborted();
/** See `aborted`. */
export const idle = () => new BodyIdle();

/** A text with the shape of a token; no key opens it. */
export const SHAPED = 'eyJhbGciOiJub25lIn0.a1.b2.c3.d4';
