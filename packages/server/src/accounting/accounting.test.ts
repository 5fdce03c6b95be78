import { beforeEach, describe, expect, it } from 'vitest';
import { held, requestAt, verdict } from '../../test/contract/store-contract.ts';
import { makeArrival, makeClaims, makeEndpoint, makeRoute } from '../../test/support/policy.ts';
import { createStepClock, type StepClock } from '../../test/support/step-clock.ts';
import { deny, type ErrorCode } from '../errors.ts';
import type { AdmittedCall, Outcome } from '../exchange.ts';
import { createMemoryStore } from '../stores/memory.ts';
import type { Reservation, ReservationRequest, Store } from '../stores/store.ts';
import { type Accounting, createAccounting } from './accounting.ts';
import { settlementFor, settlementForStatus } from './outcome.ts';
import type { UsageRecord } from './usage-record.ts';

/** A complete 200; `more` replaces members. */
function makeOutcome(more: Partial<Outcome> = {}): Outcome {
  return {
    upstreamStatus: 200,
    status: 200,
    written: true,
    bodyPassed: true,
    callerGone: false,
    cut: false,
    denial: null,
    ageMs: 100,
    requestBytes: 10,
    responseBytes: 20,
    usage: null,
    ...more,
  };
}

const none = { upstreamStatus: null, status: null, bodyPassed: false, ageMs: null } as const;
const unreached = (code: ErrorCode): Partial<Outcome> => ({
  ...none,
  written: false,
  status: 502,
  denial: deny(code),
});

describe('A37 the outcome table', () => {
  const rows: [row: string, outcome: Outcome | null, calls: 'refund' | 'counts'][] = [
    ['upstream not reached', makeOutcome(unreached('upstream_unreachable')), 'refund'],
    ['upstream address refused at dial time', makeOutcome(unreached('destination_denied')), 'refund'],
    [
      'caller gone before anything was written',
      makeOutcome({ ...none, written: false, callerGone: true }),
      'refund',
    ],
    ['request written, then reset', makeOutcome({ ...none, denial: deny('upstream_unreachable') }), 'counts'],
    ['request written, then timeout', makeOutcome({ ...none, denial: deny('upstream_timeout') }), 'counts'],
    ['request written, then caller gone', makeOutcome({ ...none, callerGone: true }), 'counts'],
    [
      'body over the limit while it was sent',
      makeOutcome({ ...none, denial: deny('request_too_large') }),
      'counts',
    ],
    ['upstream 429', makeOutcome({ upstreamStatus: 429, status: 429, bodyPassed: false }), 'refund'],
    ['upstream 429 whose body was passed on', makeOutcome({ upstreamStatus: 429, status: 429 }), 'refund'],
    ['upstream 500', makeOutcome({ upstreamStatus: 500, status: 500 }), 'refund'],
    ['upstream 503', makeOutcome({ upstreamStatus: 503, status: 503 }), 'refund'],
    ['upstream 529', makeOutcome({ upstreamStatus: 529, status: 529 }), 'refund'],
    ['upstream 503 and caller gone', makeOutcome({ upstreamStatus: 503, callerGone: true }), 'refund'],
    [
      'upstream 401',
      makeOutcome({ upstreamStatus: 401, status: 502, denial: deny('upstream_auth') }),
      'refund',
    ],
    [
      'upstream 403',
      makeOutcome({ upstreamStatus: 403, status: 502, denial: deny('upstream_auth') }),
      'refund',
    ],
    [
      'upstream 402, 407, 456: the credential too',
      makeOutcome({ upstreamStatus: 456, status: 502 }),
      'refund',
    ],
    ['upstream 200', makeOutcome(), 'counts'],
    ['upstream 200, cut after it began', makeOutcome({ cut: true }), 'counts'],
    ['upstream 200, caller gone', makeOutcome({ callerGone: true, cut: true }), 'counts'],
    ['upstream 400', makeOutcome({ upstreamStatus: 400, status: 400 }), 'counts'],
    ['upstream 404', makeOutcome({ upstreamStatus: 404, status: 404 }), 'counts'],
    ['upstream 408', makeOutcome({ upstreamStatus: 408, status: 408 }), 'counts'],
    ['upstream 409', makeOutcome({ upstreamStatus: 409, status: 409 }), 'counts'],
    ['upstream redirect', makeOutcome({ upstreamStatus: 307, denial: deny('upstream_redirect') }), 'counts'],
    ['answer in an encoding', makeOutcome({ denial: deny('upstream_encoding') }), 'counts'],
    ['relay failed while forwarding', null, 'counts'],
  ];

  it.each(rows)('%s', async (_row, outcome, calls) => {
    const clock = createStepClock();
    const store = createMemoryStore({}, { clock });
    const limits = { calls: 1, attempts: 3, rate: { count: 2, windowMs: 1000 } };
    const settlement = settlementFor(outcome);
    const reserve = () => store.reserve(requestAt(clock, limits));
    expect(store.settle(held(await reserve()), settlement)).toBe(calls === 'refund' ? 1 : 0);
    // attempts and rate count in every row
    expect(verdict(await reserve())).toBe(calls === 'refund' ? 'ok' : 'calls');
    if (calls === 'counts') return;
    expect(verdict(await store.reserve(requestAt(clock, { ...limits, calls: 9 })))).toBe('rate');
    clock.advance(1000);
    expect(verdict(await store.reserve(requestAt(clock, { ...limits, calls: 9 })))).toBe('ok');
    clock.advance(1000);
    expect(verdict(await store.reserve(requestAt(clock, { ...limits, calls: 9 })))).toBe('attempts');
  });

  it('a crash after the reservation: the call counts, since nobody settles it', async () => {
    const clock = createStepClock();
    const store = createMemoryStore({}, { clock });
    held(await store.reserve(requestAt(clock, { calls: 1 })));
    expect(verdict(await store.reserve(requestAt(clock, { calls: 1 })))).toBe('calls');
  });

  it('a one-call token survives a 503, and refunds cannot be farmed', async () => {
    const clock = createStepClock();
    const store = createMemoryStore({}, { clock });
    const slow = settlementFor(makeOutcome({ upstreamStatus: 503, ageMs: 30_000 }));
    const limits = { calls: 1, attempts: 10 };
    for (let i = 0; i < 2; i++) store.settle(held(await store.reserve(requestAt(clock, limits))), slow);
    expect(store.settle(held(await store.reserve(requestAt(clock, limits))), slow)).toBe(0);
    expect(verdict(await store.reserve(requestAt(clock, limits)))).toBe('calls');
  });

  it('a 429 says nothing against later 5xx refunds', () => {
    expect(settlementForStatus(429, 60_000)).toEqual({ calls: 'refund' });
    expect(settlementForStatus(503, 60_000)).toEqual({ calls: 'refund-5xx', ageMs: 60_000 });
    expect(settlementForStatus(503, null)).toEqual({ calls: 'refund-5xx' });
    expect(settlementForStatus(600, null)).toEqual({ calls: 'commit' });
  });
});

describe('accounting', () => {
  let clock: StepClock;
  let store: Store;
  let records: UsageRecord[];
  let timers: { everyMs: number; work: () => void }[];
  let accounting: Accounting;
  beforeEach(() => {
    clock = createStepClock();
    store = createMemoryStore({}, { clock });
    records = [];
    timers = [];
    const every = (everyMs: number, work: () => void) => {
      const timer = { everyMs, work };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    };
    accounting = createAccounting({}, { store, clock, every, record: (record) => records.push(record) });
  });

  async function admit(limits: Partial<ReservationRequest> | null): Promise<AdmittedCall> {
    const reservation = limits === null ? null : held(await store.reserve(requestAt(clock, limits)));
    const claims = makeClaims({ sub: 'user-42' });
    const opened = { claims, name: 'k7Qx2a:AAAAAAAA' };
    return {
      arrival: makeArrival(),
      opened,
      route: makeRoute(makeEndpoint()),
      reservation,
    } as unknown as AdmittedCall;
  }

  it('settles once, whatever it is told afterwards', async () => {
    const call = await admit({ calls: 2 });
    await accounting.settle(call, makeOutcome());
    await accounting.settle(call, makeOutcome({ upstreamStatus: 503 }));
    await accounting.settle(call, null);
    expect(records).toHaveLength(1);
    expect(store.preview(call.reservation as Reservation, { calls: 'refund' })).toBe(1);
  });

  it('hands over one usage record per call, with integers and names only', async () => {
    const usage = { inputTokens: 12, outputTokens: 34 };
    await accounting.settle(await admit({ calls: 5 }), makeOutcome({ usage }));
    expect(records).toEqual([
      {
        atMs: clock.nowMs(),
        requestId: 'request-1',
        token: 'k7Qx2a:AAAAAAAA',
        issuer: 'shop',
        subject: 'user-42',
        provider: 'openai',
        endpoint: 'POST /chat/completions',
        upstreamStatus: 200,
        settlement: 'commit',
        callsRemaining: 4,
        usage,
        requestBytes: 10,
        responseBytes: 20,
      },
    ]);
    expect(JSON.stringify(records)).not.toContain('sk-demo');
  });

  it('records calls of tokens without limits, and calls whose forwarding failed', async () => {
    await accounting.settle(await admit(null), makeOutcome());
    await accounting.settle(await admit({ calls: 5 }), null);
    expect(
      records.map(({ callsRemaining, settlement, upstreamStatus }) => [
        callsRemaining,
        settlement,
        upstreamStatus,
      ]),
    ).toEqual([
      [null, 'commit', 200],
      [4, 'commit', null],
    ]);
  });

  it('waits for a store that answers later', async () => {
    const slow = {
      ...store,
      settle: async (...args: Parameters<Store['settle']>) => store.settle(...args),
    } as Store;
    const later = createAccounting({}, { store: slow, clock, record: (record) => records.push(record) });
    const settling = later.settle(await admit({ calls: 5 }), makeOutcome());
    expect(records).toHaveLength(0);
    await settling;
    expect(records[0]?.callsRemaining).toBe(4);
  });

  it('is idle once every call that was kept alive is settled, also when the store fails', async () => {
    let told = false;
    const failing = { ...store, settle: () => Promise.reject(new Error('store down')) } as Store;
    const broken = createAccounting({}, { store: failing, clock, every: () => () => {} });
    for (const stage of [accounting, broken]) {
      await stage.idle();
      const calls = [await admit({ calls: 2 }), await admit(null)];
      for (const call of calls) stage.keepAlive(call)();
      told = false;
      const idle = stage.idle().then(() => (told = true));
      await Promise.resolve(stage.settle(calls[1] as AdmittedCall, makeOutcome())).catch(() => {});
      expect(told).toBe(false);
      await Promise.resolve(stage.settle(calls[0] as AdmittedCall, makeOutcome())).catch(() => {});
      await idle;
      expect(told).toBe(true);
    }
  });

  it('keeps a lease alive while the call runs, and no longer', async () => {
    const call = await admit({ concurrency: 1 });
    const stop = accounting.keepAlive(call);
    expect(timers.map(({ everyMs }) => everyMs)).toEqual([10_000]);
    for (let i = 0; i < 30; i++) {
      clock.advance(10_000);
      for (const { work } of timers) work();
    }
    expect(verdict(await store.reserve(requestAt(clock, { concurrency: 1 })))).toBe('concurrency');
    stop();
    expect(timers).toEqual([]);
    clock.advance(30_000);
    expect(verdict(await store.reserve(requestAt(clock, { concurrency: 1 })))).toBe('ok');
  });

  it('starts no timer for a call without a reservation', async () => {
    const stop = accounting.keepAlive(await admit(null));
    expect(timers).toEqual([]);
    stop();
  });

  it('stops its own timers when none are handed in', async () => {
    const real = createAccounting({ renewEveryMs: 1, leaseMs: 50 }, { store, clock });
    real.keepAlive(await admit({ concurrency: 2 }))();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const stop = real.keepAlive(await admit({ concurrency: 2 }));
    // An unref'd timer holds no process, so it is not an active resource.
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before);
    stop();
  });

  it('says what remains as it will be settled: counted, refunded, or too late for a third 5xx', async () => {
    expect(accounting.remainingFor(null, 200)).toBeNull();
    const limits = { calls: 3, attempts: 50 };
    for (let i = 0; i < 2; i++) {
      const failed = await admit(limits);
      await accounting.settle(failed, makeOutcome({ upstreamStatus: 500, ageMs: 60_000 }));
    }
    const call = await admit(limits);
    const stop = accounting.keepAlive(call);
    clock.advance(5_000);
    expect(
      [200, 400, 429, 401, 503].map((status) => accounting.remainingFor(call.reservation, status)),
    ).toEqual([2, 2, 3, 3, 3]);
    clock.advance(1);
    expect(accounting.remainingFor(call.reservation, 503)).toBe(2);
    stop();
    await accounting.settle(call, makeOutcome({ upstreamStatus: 503, ageMs: 5_001 }));
    expect(records.at(-1)?.callsRemaining).toBe(2);
  });

  it('says null for what remains of a token without a limit on calls', async () => {
    const call = await admit({ concurrency: 1 });
    expect(accounting.remainingFor(call.reservation, 200)).toBeNull();
  });
});
