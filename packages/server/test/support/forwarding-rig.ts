/** Forwarding on fake time before a transport that the test plays: one call after another, watched from both ends. */
import { Secret } from 'relayapi-token';
import type { CredentialMaker } from '../../src/credentials/credential.ts';
import type { Outcome, PreparedBody } from '../../src/exchange.ts';
import { createForwarding, type Forwarding } from '../../src/forwarding/forwarding.ts';
import type { ForwardingOptions } from '../../src/forwarding/options.ts';
import { createFakeTime, type FakeTime, settle } from './fake-time.ts';
import {
  type CallParts,
  callWith,
  createCountingTap,
  createMemorySink,
  createScriptedTransport,
  type MemorySink,
  noMaker,
  plainErrors,
  plainFrames,
  type ScriptedTransport,
} from './forwarding.ts';

/** Headers of a JSON answer. */
export const JSON_TYPE = { 'content-type': 'application/json' };
/** Headers of an event stream. */
export const SSE_TYPE = { 'content-type': 'text/event-stream' };

/** A call under way. */
export interface Running {
  readonly outcome: Outcome | null;
  readonly ends: number;
}

/** Forwarding with all that a test plays and looks at. */
export interface ForwardingRig {
  readonly time: FakeTime;
  readonly transport: ScriptedTransport;
  readonly sink: MemorySink;
  readonly tap: ReturnType<typeof createCountingTap>;
  readonly forwarding: Forwarding;
  /** Starts a call, answered into `sink` unless told otherwise, and lets it reach the transport. */
  start(parts?: CallParts, to?: MemorySink): Promise<Running>;
  /** The body that went to the transport with the last request. */
  iterateBody(): AsyncIterator<Uint8Array>;
  /** Reads it, as undici would. */
  readBody(): Promise<{ bytes: number; error: unknown }>;
}

/** Makes one; `time` lets a test listen to the timers, `maker` make credentials. */
export function createForwardingRig(
  options: Partial<ForwardingOptions> = {},
  time: FakeTime = createFakeTime(),
  maker: CredentialMaker = noMaker,
): ForwardingRig {
  const transport = createScriptedTransport();
  const sink = createMemorySink();
  const tap = createCountingTap();
  const forwarding = createForwarding(
    { relayId: 'here', idempotencySecret: new Secret('demo-secret'), ...options },
    {
      transport,
      maker,
      clock: time.clock,
      setTimer: time.setTimer,
      renderError: plainErrors,
      errorFrame: plainFrames,
    },
  );

  async function start(parts: CallParts = {}, to: MemorySink = sink): Promise<Running> {
    let outcome: Outcome | null = null;
    let ends = 0;
    void forwarding.forward(callWith(parts), to, tap).then((value) => {
      outcome = value;
      ends++;
    });
    await settle();
    return {
      get outcome() {
        return outcome;
      },
      get ends() {
        return ends;
      },
    };
  }

  function iterateBody(): AsyncIterator<Uint8Array> {
    const request = transport.requests.at(-1);
    if (!request) throw new Error('nothing was sent');
    return (request.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  async function readBody(): Promise<{ bytes: number; error: unknown }> {
    let bytes = 0;
    try {
      const iterator = iterateBody();
      for (let next = await iterator.next(); !next.done; next = await iterator.next())
        bytes += next.value.length;
      return { bytes, error: null };
    } catch (error) {
      return { bytes, error };
    }
  }

  return { time, transport, sink, tap, forwarding, start, iterateBody, readBody };
}

/** A request body that no claim looks into; a short one may be gathered. */
export function streamed(
  chunks: () => AsyncIterable<Uint8Array>,
  declaredBytes: number | null = null,
): PreparedBody {
  return { kind: 'stream', chunks, declaredBytes, gather: declaredBytes !== null && declaredBytes <= 65_536 };
}
