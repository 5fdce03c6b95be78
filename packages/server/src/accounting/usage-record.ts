/** One record per forwarded call: who used what, in integers. Holds no key, no path segment of a token, no body. */
import type { AdmittedCall, Outcome } from '../exchange.ts';
import type { Settlement } from '../stores/store.ts';
import type { Usage } from '../usage.ts';

/** What came of one forwarded call, for whoever keeps the books. */
export interface UsageRecord {
  /** When it was settled, wall milliseconds. */
  readonly atMs: number;
  readonly requestId: string;
  /** `kid:jti` (first 8), as logs name the token. */
  readonly token: string;
  readonly issuer: string;
  readonly subject: string | null;
  readonly provider: string;
  /** The registry row, `POST /chat/completions`; null when none matched. */
  readonly endpoint: string | null;
  readonly upstreamStatus: number | null;
  /** How the call was settled. The store may turn a `refund-5xx` down. */
  readonly settlement: Settlement['calls'];
  readonly callsRemaining: number | null;
  readonly usage: Usage | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Builds the record; a null outcome (forwarding itself failed) leaves its figures at 0 and null. */
export function createUsageRecord(
  call: AdmittedCall,
  outcome: Outcome | null,
  settlement: Settlement,
  callsRemaining: number | null,
  atMs: number,
): UsageRecord {
  const { arrival, opened, route } = call;
  const { endpoint } = route;
  return {
    atMs,
    requestId: arrival.requestId,
    token: opened.name,
    issuer: opened.claims.iss,
    subject: opened.claims.sub ?? null,
    provider: route.provider.id,
    endpoint: endpoint === null ? null : `${endpoint.method} ${endpoint.path}`,
    upstreamStatus: outcome?.upstreamStatus ?? null,
    settlement: settlement.calls,
    callsRemaining,
    usage: outcome?.usage ?? null,
    requestBytes: outcome?.requestBytes ?? 0,
    responseBytes: outcome?.responseBytes ?? 0,
  };
}
