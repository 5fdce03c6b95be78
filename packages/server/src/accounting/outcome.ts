/** The outcome table: what becomes of a reserved call (behaviour spec §2). Pure; the store adds its own bound on 5xx refunds. */
import type { Outcome } from '../exchange.ts';
import type { Settlement } from '../stores/store.ts';

/** Statuses by which an upstream refuses the operator's credential: not the caller's fault (behaviour spec §5). */
const CREDENTIAL_REFUSED: ReadonlySet<number> = new Set([401, 402, 403, 407, 456]);

const COMMIT: Settlement = Object.freeze({ calls: 'commit' });
/** For a request of which nothing reached an upstream. */
export const REFUND: Settlement = Object.freeze({ calls: 'refund' });

/** What an upstream status alone decides. `ageMs`: from sending to that status. */
export function settlementForStatus(status: number, ageMs: number | null): Settlement {
  if (status === 429 || CREDENTIAL_REFUSED.has(status)) return REFUND;
  if (status < 500 || status > 599) return COMMIT;
  return ageMs === null ? { calls: 'refund-5xx' } : { calls: 'refund-5xx', ageMs };
}

/** How a reservation ends. Null outcome (the relay failed): as after a crash, the call counts. */
export function settlementFor(outcome: Outcome | null): Settlement {
  if (outcome === null) return COMMIT;
  if (outcome.upstreamStatus !== null) return settlementForStatus(outcome.upstreamStatus, outcome.ageMs);
  // Nothing of the request reached the upstream, so nothing can have been billed.
  return outcome.written ? COMMIT : REFUND;
}
