/** The three ways in which forwarding ends an answer by itself: a refusal in place of one, the upstream's own error, a break in a running stream. */

import { type Denial, deny } from '../errors.ts';
import type { AdmittedCall, Arrival } from '../exchange.ts';
import type { HeaderList, ResponseSink } from '../io.ts';
import type { DialectName } from '../providers/provider.ts';
import { joinAnswerHeaders } from './response-headers.ts';
import { type SetTimer, startTimer } from './timers.ts';

/** Makes the body of a refusal; headers hold its content type and length. */
export type RenderError = (
  denial: Denial,
  arrival: Arrival,
) => { readonly status: number; readonly headers: HeaderList; readonly body: Uint8Array | string };

/** The frame that tells a caller of a broken event stream, null where the dialect has none. */
export type ErrorFrame = (dialect: DialectName, denial: Denial, arrival: Arrival) => string | null;

/** How long a last frame may take to leave before the socket is destroyed under it, milliseconds. */
const FLUSH_MS = 20;
const STALLED_FLUSH_MS = 1000;

/** Answers with the relay's own body. `kept` is the upstream's status and its harmless lines, where those stay. Returns the status sent. */
export function answerDenial(
  call: AdmittedCall,
  sink: ResponseSink,
  denial: Denial,
  renderError: RenderError,
  kept: { readonly status: number; readonly headers: HeaderList } | null,
  callsRemaining: number | null,
): number {
  const rendered = renderError(denial, call.arrival);
  const status = kept?.status ?? rendered.status;
  // advice on retrying belongs to the status, and that is the upstream's here
  const own = kept ? rendered.headers.filter(([name]) => name !== 'x-should-retry') : rendered.headers;
  const body = typeof rendered.body === 'string' ? new TextEncoder().encode(rendered.body) : rendered.body;
  const bodiless = status === 204 || status === 205 || call.arrival.method === 'HEAD';
  const lines = bodiless ? own.filter(([name]) => name !== 'content-length' && name !== 'content-type') : own;
  sink.start(status, joinAnswerHeaders(call, [...lines, ...(kept?.headers ?? [])], callsRemaining));
  sink.end(bodiless ? undefined : body);
  return status;
}

/**
 * Breaks off a running answer so that no client takes it for complete: the dialect's error frame where `framed` and the
 * dialect has one, then the socket is destroyed. Resolves when that is done.
 */
export function breakStream(sink: ResponseSink, frame: string | null, setTimer: SetTimer): Promise<void> {
  if (frame === null || sink.closed) {
    sink.destroy();
    return Promise.resolve();
  }
  // the blank line ends whatever event was under way; the frame must not become part of it
  const flushed = sink.write(new TextEncoder().encode(`\n\n${frame}`));
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      sink.destroy();
      resolve();
    };
    const cancel = startTimer(setTimer, flushed ? FLUSH_MS : STALLED_FLUSH_MS, finish);
    if (!flushed) sink.onDrain(finish);
  });
}

/** What a broken-off stream without a more precise reason is called. */
export const BROKEN: Denial = deny('upstream_unreachable', { reason: 'the upstream broke off' });
