/** How bytes of an answer reach the caller: searched before, rewritten where the route says so, and never more than the token allows. */
import { type Denial, deny, isDenial } from '../errors.ts';
import type { RouteIds } from '../exchange.ts';
import { type AnswerRewrite, createAnswerRewrite } from './answer-rewrite.ts';
import { endWith, passedHeaders } from './passage-end.ts';
import type { Passage } from './passage-state.ts';
import { joinAnswerHeaders } from './response-headers.ts';

/** What changes an answer of this type on its way; null when nothing does. */
export function rewriteOf(p: Passage, ids: RouteIds, type: string | null): AnswerRewrite | null {
  const { call, stage } = p;
  const book = (bytes: number) => stage.bookAnswer(call, bytes);
  const { tokenPlace } = call.arrival;
  return createAnswerRewrite(type, { ids, base: stage.relayBase(call), tokenPlace, book });
}

/** Bytes that were searched: to be rewritten where the route says so. */
export function take(p: Passage, bytes: Uint8Array): void {
  if (p.rewrite === null) return write(p, bytes);
  if (p.ended) return;
  const pieces = p.rewrite.push(bytes);
  if (isDenial(pieces)) return endWith(p, pieces);
  for (const piece of pieces) write(p, piece);
}

/** Passes bytes to the caller, up to the token's limit. */
function write(p: Passage, bytes: Uint8Array): void {
  if (p.ended) return;
  const limit = p.call.opened.claims.limits.response_bytes;
  const room = limit === undefined ? bytes.length : limit - p.responseBytes;
  const piece = bytes.length <= room ? bytes : bytes.subarray(0, room);
  if (piece.length > 0) {
    p.tap.onData(piece);
    p.bodyPassed = true;
    p.responseBytes += piece.length;
    if (p.comments) {
      p.tail = (p.tail + String.fromCharCode(...piece.subarray(-4))).slice(-4);
      p.comments.feed();
    }
    if (!p.sink.write(piece) && !p.ended) {
      p.upstream?.pause();
      p.unread = p.rewrite?.whole === true;
      // from here on the silence is the caller's
      p.watch.suspend();
    }
  }
  if (piece.length < bytes.length) endWith(p, tooLong());
}

/** The last of a rewritten answer, or all of it where it was held. */
export function endRewrite(p: Passage, rewrite: AnswerRewrite): void {
  const pieces = rewrite.flush();
  if (isDenial(pieces)) return endWith(p, pieces);
  if (rewrite.whole) return endHeld(p, pieces);
  for (const piece of pieces) write(p, piece);
}

/** The held answer, rewritten. */
function endHeld(p: Passage, pieces: readonly Uint8Array[]): void {
  const status = p.upstreamStatus as number;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const limit = p.call.opened.claims.limits.response_bytes;
  if (limit !== undefined && length > limit) return endWith(p, tooLong());
  const passed = passedHeaders(p, length);
  if (passed === null) return endWith(p, leaked('a header'));
  p.status = status;
  p.sink.start(status, joinAnswerHeaders(p.call, passed, p.call.remainingFor(status)));
  for (const piece of pieces) write(p, piece);
}

/** The token's limit on answers. */
export function tooLong(): Denial {
  return deny('budget_exhausted', { param: 'limits.response_bytes' });
}

/** The key showed. */
export function leaked(where: string): Denial {
  return deny('upstream_invalid', { reason: `the credential stood in ${where}` });
}
