/** The store of several threads against that of one: the same answers to the same requests, step by step, and no cell lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { held, requestAt, verdict } from '../../test/contract/store-contract.ts';
import { countSums, readSums } from '../../test/support/shared-audit.ts';
import { createStepClock } from '../../test/support/step-clock.ts';
import { createMemoryStore, type MemoryStore, type SnapshotPort } from './memory.ts';
import { createEncoded, encodeText } from './shared-cells.ts';
import { hashKey, KIND } from './shared-entries.ts';
import { createSharedMemoryStore } from './shared-memory.ts';
import { createSharedTable, openSharedTable, type SharedTable } from './shared-table.ts';
import type { Reservation, ReservationRefusal, ReservationRequest, Settlement } from './store.ts';
import { isRefusal } from './store.ts';

const LEASE_MS = 30_000;
const START_SECONDS = 1_800_000_000;

interface Token {
  readonly issuer: string;
  readonly jti: string;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
}

/** Twelve tokens of three issuers: some short of life, one older than the store, names of one byte and of three. */
const TOKENS: readonly Token[] = Array.from({ length: 12 }, (_, i) => ({
  issuer: ['shop', 'other', '商店'][i % 3] as string,
  jti: i === 7 ? `long-${'x'.repeat(300)}` : `token-${i}-AAAAAAAAAAAAAA`,
  issuedAtSeconds: START_SECONDS - (i === 5 ? 1 : 0),
  expiresAtSeconds: START_SECONDS + ([60, 400, 3600, 20_000, 400_000][i % 5] as number),
}));

type Rate = NonNullable<ReservationRequest['rate']>;
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const rates: fc.Arbitrary<Rate> = fc.constantFrom(
  { count: 0, windowMs: 1000 },
  { count: 1, windowMs: 1000 },
  { count: 3, windowMs: 60_000 },
  { count: 9, windowMs: 5_000 },
  { count: 8, windowMs: 7_200_000 },
  { count: 1001, windowMs: 700_000 },
);

interface Asked {
  readonly token: number;
  readonly otherClaims: boolean;
  readonly calls: number | undefined;
  readonly attempts: number | undefined;
  readonly rate: Rate | undefined;
  readonly concurrency: number | undefined;
  readonly once: number | undefined;
  readonly subject:
    | { name: number; tokens?: number; calls?: number; rate?: Rate; concurrency?: number }
    | undefined;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  token: fc.nat(TOKENS.length - 1),
  otherClaims: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
  calls: maybe(fc.constantFrom(0, 1, 3, 1000)),
  attempts: maybe(fc.constantFrom(1, 5, 2000)),
  rate: maybe(rates),
  concurrency: maybe(fc.constantFrom(0, 1, 2, 100)),
  once: maybe(fc.nat(5)),
  subject: maybe(
    fc.record(
      {
        name: fc.nat(3),
        tokens: fc.constantFrom(1, 2, 5),
        calls: fc.constantFrom(0, 2, 1000),
        rate: rates,
        concurrency: fc.constantFrom(0, 1, 100),
      },
      { requiredKeys: ['name'] },
    ),
  ),
});

type Step =
  | { readonly do: 'reserve'; readonly asked: Asked }
  | {
      readonly do: 'settle' | 'preview';
      readonly which: number;
      readonly calls: Settlement['calls'];
      readonly ageMs: number;
    }
  | { readonly do: 'renew'; readonly which: number }
  | { readonly do: 'advance' | 'stepWall'; readonly ms: number }
  | { readonly do: 'restart'; readonly swap: boolean };

const ending = {
  which: fc.nat(1000),
  calls: fc.constantFrom<Settlement['calls']>('commit', 'refund', 'refund-5xx'),
  ageMs: fc.constantFrom(10, 6000),
};

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('reserve' as const), asked }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('settle' as const), ...ending }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('preview' as const), ...ending }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew' as const), which: fc.nat(1000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(0.25, 400, 1000, 29_000, 61_000, 600_000, 4_000_000, 300_000_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('stepWall' as const),
      ms: fc.constantFrom(-3_600_000, 1500, 3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), swap: fc.boolean() }) },
);

function requestOf(one: Asked): ReservationRequest {
  const token = TOKENS[one.token] as Token;
  const { calls, attempts, rate, concurrency, once, subject } = one;
  return {
    ...token,
    claimsDigest: one.otherClaims ? 'another' : 'digest-one',
    leaseMs: LEASE_MS,
    ...(calls === undefined ? {} : { calls }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(rate === undefined ? {} : { rate }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(once === undefined
      ? {}
      : { once: { kind: once % 2 === 0 ? 'nonce' : 'idempotency', hash: `nonce-${once}`.padEnd(22, 'A') } }),
    ...(subject === undefined
      ? {}
      : { perSubject: { ...subject, subject: `user-${subject.name}` } as ReservationRequest['perSubject'] }),
  } as ReservationRequest;
}

function createFile(): SnapshotPort & { text: string | null } {
  return {
    text: null,
    read() {
      const { text } = this;
      this.text = null;
      return text;
    },
    write(text) {
      this.text = text;
    },
  };
}

function createPair(capacityBytes: number) {
  const clock = createStepClock(START_SECONDS * 1000);
  const files = [createFile(), createFile()] as const;
  const warnings: string[][] = [[], []];
  let table: SharedTable;
  let stores: [MemoryStore, MemoryStore];
  let anchor = 0;
  const ports = (i: 0 | 1) => ({
    clock,
    snapshot: files[i],
    warn: (text: string) => warnings[i]?.push(text),
  });
  function start(): void {
    table = createSharedTable({ capacityBytes });
    anchor = clock.nowMs() - clock.monotonicMs();
    stores = [createMemoryStore({ capacityBytes }, ports(0)), createSharedMemoryStore(table, {}, ports(1))];
  }
  start();
  return {
    clock,
    warnings,
    start,
    files,
    stores: () => stores,
    table: () => table,
    anchoredMs: () => anchor + clock.monotonicMs(),
  };
}

type Pair = ReturnType<typeof createPair>;
type Open = { readonly token: Token; readonly one: Reservation; readonly two: Reservation };

function plain(result: Reservation | ReservationRefusal): unknown {
  return isRefusal(result) ? result : result.callsRemaining;
}

/** Verdicts that occurred, so that a schedule that shows nothing is noticed. */
const answers = new Set<string>();

/** Takes one step on both stores and compares what they say. */
async function take(pair: Pair, open: Open[], now: Step): Promise<void> {
  const [memory, shared] = pair.stores();
  switch (now.do) {
    case 'advance':
      return pair.clock.advance(now.ms);
    case 'stepWall':
      return pair.clock.stepWall(now.ms);
    case 'reserve': {
      const request = requestOf(now.asked);
      const [one, two] = [await memory.reserve(request), await shared.reserve(request)];
      answers.add(verdict(one));
      expect(plain(two)).toEqual(plain(one));
      if (!isRefusal(one) && !isRefusal(two))
        open.push({ token: TOKENS[now.asked.token] as Token, one, two });
      return;
    }
    case 'restart': {
      await Promise.all([memory.close(), shared.close()]);
      open.length = 0;
      const [a, b] = pair.files;
      if (now.swap) [a.text, b.text] = [b.text, a.text];
      pair.start();
      return;
    }
  }
  const chosen = open.length === 0 ? undefined : open[now.which % open.length];
  if (chosen === undefined) return;
  const { token, one, two } = chosen;
  if (now.do === 'renew') {
    await memory.renew(one, LEASE_MS);
    await shared.renew(two, LEASE_MS);
    return;
  }
  const settlement = { calls: now.calls, ageMs: now.ageMs };
  const [a, b] =
    now.do === 'settle'
      ? [await memory.settle(one, settlement), await shared.settle(two, settlement)]
      : [memory.preview(one, settlement), shared.preview(two, settlement)];
  // What is left of a token that is gone is anybody's guess, but for whether it had a limit.
  const gone = pair.anchoredMs() >= token.expiresAtSeconds * 1000 + 60_000;
  if (gone) expect(b === null).toBe(a === null);
  else expect(b).toBe(a);
}

describe('the shared memory store', () => {
  it('answers as the memory store does, step by step, over random schedules', {
    timeout: 120_000,
  }, async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }),
        fc.constantFrom(6_000, 16_000, 1_000_000),
        async (steps, capacityBytes) => {
          const pair = createPair(capacityBytes);
          const open: Open[] = [];
          for (const now of steps) {
            await take(pair, open, now);
            const [memory, shared] = pair.stores();
            expect(shared.size()).toEqual(memory.size());
            seen.add(now.do);
          }
          expect(pair.warnings[1]).toEqual(pair.warnings[0]);
          expect(countSums(pair.table())).toEqual(readSums(pair.table()));
        },
      ),
      { numRuns: 400 },
    );
    expect(seen.size).toBe(7);
    // every answer but `down`, which only a closed store gives
    expect([...answers].sort()).toEqual([
      'attempts',
      'calls',
      'capacity',
      'concurrency',
      'idempotency',
      'mismatch',
      'nonce',
      'ok',
      'rate',
      'restarted',
      'subject-tokens',
    ]);
  });

  it('says the same as the memory store of itself', () => {
    const clock = createStepClock();
    for (const volatile of ['refuse', 'reset'] as const) {
      for (const snapshot of [undefined, createFile()]) {
        const ports = snapshot === undefined ? { clock } : { clock, snapshot };
        const shared = createSharedMemoryStore(createSharedTable(), { volatile }, ports);
        const memory = createMemoryStore({ volatile }, ports);
        expect([shared.type, shared.promise]).toEqual([memory.type, memory.promise]);
      }
    }
  });

  it('has one set of counters for all who open its table', async () => {
    const clock = createStepClock();
    const table = createSharedTable();
    const owner = createSharedMemoryStore(table, {}, { clock });
    const other = createSharedMemoryStore(openSharedTable(table.handle), {}, { clock });
    const request = requestAt(clock, { calls: 2 });
    const first = held(await owner.reserve(request));
    const second = held(await other.reserve(request));
    expect(first.id).not.toBe(second.id);
    expect(verdict(await owner.reserve(request))).toBe('calls');
    expect(await other.settle(second, { calls: 'refund' })).toBe(1);
    expect(owner.preview(first, { calls: 'refund' })).toBe(2);
    expect(verdict(await owner.reserve({ ...request, claimsDigest: 'another' }))).toBe('mismatch');
    expect(other.size()).toEqual(owner.size());
  });

  it('is closed for all by its owner, for itself by another', async () => {
    const clock = createStepClock();
    const file = createFile();
    const table = createSharedTable();
    const owner = createSharedMemoryStore(table, {}, { clock, snapshot: file });
    const others = [1, 2].map(() => createSharedMemoryStore(openSharedTable(table.handle), {}, { clock }));
    const [one, two] = others as [MemoryStore, MemoryStore];
    await one.close();
    expect([one.reachable(), two.reachable(), owner.reachable()]).toEqual([false, true, true]);
    expect(file.text).toBeNull();
    held(await two.reserve(requestAt(clock, { calls: 2 })));
    await owner.close();
    expect(file.text).toContain('relayapi-counters-1');
    expect(two.reachable()).toBe(false);
    expect(verdict(await two.reserve(requestAt(clock, { calls: 2 })))).toBe('down');
  });

  it('drops a snapshot that it cannot hold, says why, and goes on as after a crash', async () => {
    const clock = createStepClock();
    const file = createFile();
    const memory = createMemoryStore({}, { clock, snapshot: file });
    const known = requestAt(clock, {
      jti: 'token-0',
      calls: 9,
      once: { kind: 'nonce', hash: 'n'.repeat(22) },
    });
    for (let i = 0; i < 3000; i++) held(await memory.reserve({ ...known, jti: `token-${i}` }));
    await memory.close();
    const text = file.text as string;
    const last = text.split('\n').at(-2) as string;
    const cases: [capacityBytes: number, text: string, why: string | null][] = [
      [10_000_000, text, null],
      [10_000, text, 'does not fit'],
      [
        10_000_000,
        text.replaceAll('"token-0"', '"token-1"').replace(last, text.split('\n')[1] as string),
        'does not fit',
      ],
      [10_000_000, text.replace('n'.repeat(22), 'n'.repeat(33)), 'does not fit'],
      [10_000_000, text.slice(1), 'is damaged'],
    ];
    clock.advance(5000);
    for (const [capacityBytes, written, why] of cases) {
      const snapshot = createFile();
      snapshot.text = written;
      const warnings: string[] = [];
      const table = createSharedTable({ capacityBytes });
      const ports = { clock, snapshot, warn: (said: string) => warnings.push(said) };
      const store = createSharedMemoryStore(table, {}, ports);
      expect(verdict(await store.reserve(known))).toBe(why === null ? 'nonce' : 'restarted');
      expect(warnings).toHaveLength(why === null ? 0 : 1);
      if (why !== null) expect(warnings[0]).toContain(why);
      expect(countSums(table)).toEqual(readSums(table));
    }
  });

  it('opens no table that its owner has not filled, and no other memory', () => {
    const clock = createStepClock();
    const table = createSharedTable();
    expect(() => createSharedMemoryStore(openSharedTable(table.handle), {}, { clock })).toThrow('owner');
    expect(() => openSharedTable({ memory: new SharedArrayBuffer(1024) })).toThrow('no counters');
  });

  it('has one origin: what one thread’s clock shows, all keep', async () => {
    const clock = createStepClock();
    const behind = { nowMs: () => clock.nowMs() - 3_600_000, monotonicMs: () => clock.monotonicMs() };
    const table = createSharedTable();
    const owner = createSharedMemoryStore(table, {}, { clock: behind });
    const other = createSharedMemoryStore(openSharedTable(table.handle), {}, { clock });
    const older = requestAt(clock, { calls: 5, issuedAtSeconds: Math.floor(clock.nowMs() / 1000) - 1800 });
    expect(verdict(await other.reserve(older))).toBe('restarted');
    expect(verdict(await owner.reserve(older))).toBe('restarted');
  });

  it('has one monotonic time: a thread whose clock is behind opens no window early', async () => {
    const clock = createStepClock();
    const behind = { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs() - 500 };
    const table = createSharedTable();
    const owner = createSharedMemoryStore(table, {}, { clock });
    const other = createSharedMemoryStore(openSharedTable(table.handle), {}, { clock: behind });
    const request = requestAt(clock, { rate: { count: 1, windowMs: 1000 } });
    held(await owner.reserve({ ...request, jti: 'brings the time' }));
    held(await other.reserve(request));
    clock.advance(999);
    expect(verdict(await owner.reserve(request))).toBe('rate');
    expect(verdict(await other.reserve(request))).toBe('rate');
    clock.advance(1);
    held(await owner.reserve(request));
  });

  it('late ends of a dropped entry leave alone who has its cells now', async () => {
    const clock = createStepClock();
    const table = createSharedTable({ capacityBytes: 4_000 });
    const store = createSharedMemoryStore(table, {}, { clock });
    const once = { kind: 'nonce', hash: 'n'.repeat(22) } as const;
    const limits = {
      calls: 3,
      concurrency: 1,
      once,
      perSubject: { subject: 'user-1', concurrency: 1, calls: 9 },
    };
    const soon = () => Math.floor(clock.nowMs() / 1000) + 60;
    const late = held(await store.reserve(requestAt(clock, { ...limits, expiresAtSeconds: soon() })));
    clock.advance(240_000);
    held(await store.reserve(requestAt(clock, { calls: 1, jti: 'sweeps', issuer: 'other' })));
    clock.advance(60_000);
    const next = { ...limits, jti: 'next', perSubject: { ...limits.perSubject, subject: 'user-2' } };
    const current = held(await store.reserve(requestAt(clock, next)));
    expect(current.callsRemaining).toBe(2);
    expect(store.preview(late, { calls: 'refund' })).toBe(3);
    await store.renew(late, 1_000_000);
    expect(await store.settle(late, { calls: 'refund' })).toBe(3);
    expect(store.preview(current, { calls: 'commit' })).toBe(2);
    expect(verdict(await store.reserve(requestAt(clock, next)))).toBe('concurrency');
    clock.advance(LEASE_MS);
    expect(verdict(await store.reserve(requestAt(clock, next)))).toBe('nonce');
    expect(countSums(table)).toEqual(readSums(table));
  });

  it('tells keys of one hash apart: tokens, and 400,000 nonces', async () => {
    const clock = createStepClock();
    const table = createSharedTable();
    const store = createSharedMemoryStore(table, {}, { clock });
    const byHash = new Map<number, string>();
    let twins: [string, string] | null = null;
    for (let i = 0; twins === null; i++) {
      const jti = `twin-${i}`;
      const key = createEncoded();
      encodeText(key, `shop ${jti}`);
      const hash = hashKey(table, KIND.token, key);
      const other = byHash.get(hash);
      if (other !== undefined) twins = [other, jti];
      byHash.set(hash, jti);
    }
    for (const jti of twins) {
      expect(verdict(await store.reserve(requestAt(clock, { jti, calls: 1 })))).toBe('ok');
      expect(verdict(await store.reserve(requestAt(clock, { jti, calls: 1 })))).toBe('calls');
    }
    // So many that two of them have the same 32 bits, but for a chance of one in a hundred million.
    for (let i = 0; i < 400_000; i++) {
      const once = { kind: 'nonce', hash: `${i}`.padEnd(22, 'A') } as const;
      const asked = await store.reserve(requestAt(clock, { jti: 'many', calls: 400_001, once }));
      if (isRefusal(asked)) throw new Error(`nonce ${i}: ${asked.refused}`);
    }
  });

  it('refuses a nonce that is no hash before it counts anything', () => {
    const clock = createStepClock();
    const table = createSharedTable();
    const store = createSharedMemoryStore(table, {}, { clock });
    for (const hash of ['n'.repeat(33), '名'.repeat(4)]) {
      const request = requestAt(clock, { calls: 1, once: { kind: 'nonce', hash } });
      expect(() => store.reserve(request)).toThrow(TypeError);
    }
    expect(store.size().storeEntries).toBe(0);
  });
});
