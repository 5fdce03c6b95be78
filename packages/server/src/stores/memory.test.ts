import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRandom, held, requestAt, verdict } from '../../test/contract/store-contract.ts';
import { createStepClock, type StepClock } from '../../test/support/step-clock.ts';
import {
  createMemoryStore,
  type MemoryStore,
  type MemoryStoreOptions,
  type MemoryStorePorts,
  type SnapshotPort,
} from './memory.ts';
import { createSharedMemoryStore } from './shared-memory.ts';
import { createSharedTable } from './shared-table.ts';
import type { ReservationRequest } from './store.ts';

/** A file that remembers one snapshot; reading takes it. */
function createFile(text: string | null = null): SnapshotPort & { text: string | null } {
  return {
    text,
    read() {
      const taken = this.text;
      this.text = null;
      return taken;
    },
    write(written) {
      this.text = written;
    },
  };
}

const jti = (n: number) => `token-${n}-AAAAAAAAAAAAAA`;

type CreateStore = (options: MemoryStoreOptions, ports: MemoryStorePorts) => MemoryStore;

/** The store of one thread and that of several, which keep the same promises. */
const STORES: [name: string, create: CreateStore][] = [
  ['memory', createMemoryStore],
  ['shared memory', (options, ports) => createSharedMemoryStore(createSharedTable(options), options, ports)],
];

describe.each(STORES)('the %s store over restarts', (_name, createStore) => {
  let clock: StepClock;
  let file: ReturnType<typeof createFile>;
  let warnings: string[];
  beforeEach(() => {
    clock = createStepClock();
    file = createFile();
    warnings = [];
  });
  const start = (volatile: 'refuse' | 'reset' = 'refuse'): MemoryStore =>
    createStore({ volatile }, { clock, snapshot: file, warn: (message) => warnings.push(message) });
  const at = (more: Partial<ReservationRequest> = {}) => requestAt(clock, more);

  it('A47 memory keeps every count over a clean stop', async () => {
    let store = start();
    const once = { kind: 'nonce', hash: 'n'.repeat(22) } as const;
    const request = at({
      calls: 3,
      attempts: 9,
      rate: { count: 2, windowMs: 86_400_000 },
      concurrency: 1,
      once,
    });
    const next = { ...request, once: { ...once, hash: 'm'.repeat(22) } };
    store.settle(held(await store.reserve(request)), { calls: 'commit' });
    // Still running when the relay stops: it counts, but its place is free again.
    held(await store.reserve(next));
    await store.close();

    clock.advance(60_000);
    store = start();
    expect(file.text).toBeNull();
    expect(verdict(await store.reserve(next))).toBe('rate');
    const free = { ...request, rate: { count: 3, windowMs: 86_400_000 } };
    expect(verdict(await store.reserve(free))).toBe('nonce');
    const last = { ...free, once: { ...once, hash: 'l'.repeat(22) } };
    expect(held(await store.reserve(last)).callsRemaining).toBe(0);
    expect(verdict(await store.reserve({ ...request, claimsDigest: 'other' }))).toBe('mismatch');
    await store.close();

    store = start();
    expect(verdict(await store.reserve(request))).toBe('calls');
    expect(warnings).toEqual([]);
  });

  it('A47 memory refuses older tokens with counters after a crash, and serves newer ones', async () => {
    const older = at({ calls: 5 });
    held(await start().reserve(older));
    clock.advance(1_000);
    const sameSecond = at({ calls: 5, jti: jti(1) });
    clock.advance(400);
    const store = start();
    expect(verdict(await store.reserve(older))).toBe('restarted');
    expect(verdict(await store.reserve({ ...older, jti: jti(2) }))).toBe('restarted');
    expect(verdict(await store.reserve(sameSecond))).toBe('ok');
  });

  it('hands quotas out again after a crash only when config says so', async () => {
    const older = at({ calls: 1 });
    held(await start('reset').reserve(older));
    clock.advance(1_000);
    const store = start('reset');
    expect(store.promise).toContain('volatile: reset');
    expect(verdict(await store.reserve(older))).toBe('ok');
  });

  it('still refuses after a clean stop what an earlier crash lost', async () => {
    const lost = at({ calls: 5 });
    clock.advance(1_000);
    await start().close();
    clock.advance(1_000);
    expect(verdict(await start().reserve(lost))).toBe('restarted');
  });

  it('serves a token issued before a clean restart that comes for the first time after it', async () => {
    const store = start();
    clock.advance(1_000);
    const late = at({ calls: 5 });
    await store.close();
    clock.advance(1_000);
    expect(verdict(await start().reserve(late))).toBe('ok');
  });

  it('keeps the calls, tokens and rate of subjects over a clean stop', async () => {
    let store = start();
    const perSubject = { subject: 'user-42', calls: 3, tokens: 2, rate: { count: 9, windowMs: 3_600_000 } };
    const first = at({ jti: jti(1), perSubject });
    held(await store.reserve(first));
    held(await store.reserve(at({ jti: jti(2), perSubject })));
    await store.close();
    store = start();
    expect(verdict(await store.reserve(at({ jti: jti(3), perSubject })))).toBe('subject-tokens');
    expect(
      verdict(
        await store.reserve({
          ...first,
          perSubject: { ...perSubject, rate: { count: 2, windowMs: 3_600_000 } },
        }),
      ),
    ).toBe('rate');
    expect(verdict(await store.reserve(first))).toBe('ok');
    expect(verdict(await store.reserve(first))).toBe('calls');
    expect(store.size()).toEqual({ storeEntries: 2, storeBytes: store.size().storeBytes });
  });

  it('keeps approximate windows over a clean stop', async () => {
    let store = start();
    const request = at({ rate: { count: 1500, windowMs: 600_000 } });
    for (let i = 0; i < 1500; i++) held(await store.reserve(request));
    await store.close();
    store = start();
    expect(verdict(await store.reserve(request))).toBe('rate');
    clock.advance(400);
    expect(verdict(await store.reserve(request))).toBe('ok');
    expect(verdict(await store.reserve(request))).toBe('rate');
  });

  it('A59 a clock set forward by an hour while the relay is down opens no rate window early', async () => {
    let store = start();
    const rate = { count: 1, windowMs: 1_800_000 };
    const request = at({ rate, expiresAtSeconds: Math.floor(clock.nowMs() / 1000) + 86_400 });
    held(await store.reserve(request));
    await store.close();
    clock.stepWall(3_600_000);
    store = start();
    expect(verdict(await store.reserve(request))).toBe('rate');
    await store.close();
    clock.stepWall(-7_200_000);
    expect(verdict(await start().reserve(request))).toBe('rate');
  });

  it('a long stop counts towards long windows, but for the hour of doubt', async () => {
    let store = start();
    const request = at({
      rate: { count: 1, windowMs: 86_400_000 },
      expiresAtSeconds: Math.floor(clock.nowMs() / 1000) + 9 * 86_400,
    });
    held(await store.reserve(request));
    await store.close();
    clock.advance(86_400_000 + 3_600_000 - 1);
    store = start();
    expect(verdict(await store.reserve(request))).toBe('rate');
    clock.advance(1);
    expect(verdict(await store.reserve(request))).toBe('ok');
  });

  it('A59 a clock that was an hour behind at the start, and is put right later, brings no lost token back', async () => {
    const older = at({ calls: 5, expiresAtSeconds: Math.floor(clock.nowMs() / 1000) + 86_400 });
    held(await start().reserve(older));
    clock.advance(10_000);
    clock.stepWall(-3_600_000);
    const store = start();
    clock.advance(5_000);
    clock.stepWall(3_600_000);
    expect(verdict(await store.reserve(older))).toBe('restarted');
    expect(verdict(await store.reserve(at({ calls: 5, jti: jti(1) })))).toBe('ok');
    clock.stepWall(-3_600_000);
    expect(verdict(await store.reserve(older))).toBe('restarted');
  });

  it('small drift between the two clocks moves nothing', async () => {
    const store = start();
    const now = at({ calls: 5 });
    for (let i = 0; i < 10; i++) {
      clock.advance(100);
      clock.stepWall(i % 2 === 0 ? 900 : -900);
    }
    expect(verdict(await store.reserve(now))).toBe('ok');
  });

  it('drops a damaged snapshot, says so, and goes on as after a crash', async () => {
    const good = createFile();
    const store = createStore({}, { clock, snapshot: good });
    const rate = { count: 2, windowMs: 1000 };
    const perSubject = { subject: 'user-42', calls: 9, rate };
    const request = at({
      calls: 5,
      attempts: 9,
      rate,
      perSubject,
      once: { kind: 'nonce', hash: 'n'.repeat(22) },
    });
    held(await store.reserve(request));
    await store.close();
    const text = good.text as string;
    clock.advance(1_000);
    const random = createRandom(47);
    const damaged = [
      '',
      'nonsense',
      '{}\n',
      'null\n',
      text.slice(0, -1),
      text.slice(0, text.length / 2),
      `${text}[]\n`,
      text.split('\n').slice(0, -2).join('\n').concat('\n'),
      text.replace('relayapi-counters-1', 'relayapi-counters-2'),
      text.replace('"user-42"', '7').replace('user-42', 'user-43'),
      ...Array.from({ length: 200 }, () => {
        const cut = Math.floor(random() * text.length);
        return text.slice(0, cut) + text.slice(cut + 1 + Math.floor(random() * 9));
      }),
    ];
    let dropped = 0;
    for (const one of damaged) {
      const notes: string[] = [];
      const restarted = createStore(
        {},
        { clock, snapshot: createFile(one), warn: (message) => notes.push(message) },
      );
      const result = verdict(
        await restarted.reserve({ ...request, once: { kind: 'nonce', hash: 'z'.repeat(22) } }),
      );
      if (notes.length === 0) continue;
      dropped += 1;
      expect(result).toBe('restarted');
      expect(notes).toHaveLength(1);
      expect(notes[0]).toContain('damaged');
    }
    expect(dropped).toBeGreaterThan(150);
  });

  it('says what it promises with and without a snapshot', () => {
    expect(createStore({}, { clock }).promise).toContain('end with the process');
    expect(start().promise).toContain('survive a clean stop');
  });
});

describe.each(STORES)('the bounded %s store', (_name, createStore) => {
  const clock = createStepClock();
  const at = (more: Partial<ReservationRequest> = {}) => requestAt(clock, more);

  it('A48 a capacity flood gets newcomers 503 and loses no live counter', async () => {
    const store = createStore({ capacityBytes: 1_000_000 }, { clock });
    const counts = new Map<number, number>();
    const reserve = async (n: number) =>
      verdict(
        await store.reserve(
          at({ jti: jti(n), issuer: n % 2 === 0 ? 'shop' : 'other', calls: 3, attempts: 99 }),
        ),
      );
    const verdicts = new Set<string>();
    for (let n = 0; n < 20_000; n++) {
      const one = await reserve(n);
      verdicts.add(one);
      if (one === 'ok') counts.set(n, 1);
    }
    expect(verdicts).toEqual(new Set(['ok', 'capacity']));
    expect(counts.size).toBeGreaterThan(500);
    expect(store.size().storeEntries).toBe(counts.size);
    expect(store.size().storeBytes).toBeLessThanOrEqual(1_000_000);
    for (const n of counts.keys()) {
      expect([await reserve(n), await reserve(n), await reserve(n)]).toEqual(['ok', 'ok', 'calls']);
    }
    expect(await reserve(50_000)).toBe('capacity');
  });

  it('one issuer fills half of it at most', async () => {
    const store = createStore({ capacityBytes: 100_000 }, { clock });
    let admitted = 0;
    while (verdict(await store.reserve(at({ jti: jti(admitted), calls: 1 }))) === 'ok') admitted += 1;
    expect(store.size().storeBytes).toBeLessThanOrEqual(50_000);
    expect(store.size().storeBytes).toBeGreaterThan(45_000);
    expect(verdict(await store.reserve(at({ issuer: 'other', calls: 1 })))).toBe('ok');
  });

  it('charges what a token may grow to, so that known tokens with nonces never meet the limit', async () => {
    const store = createStore({ capacityBytes: 100_000 }, { clock });
    const nonces = (n: number, i: number) =>
      at({
        jti: jti(n),
        calls: 100,
        attempts: 300,
        once: { kind: 'nonce', hash: `${n}-${i}`.padEnd(22, 'A') },
      });
    let tokens = 0;
    while (verdict(await store.reserve(nonces(tokens, 0))) === 'ok') tokens += 1;
    expect(tokens).toBeGreaterThan(3);
    const bytes = store.size().storeBytes;
    for (let n = 0; n < tokens; n++) {
      for (let i = 1; i < 100; i++) expect(verdict(await store.reserve(nonces(n, i)))).toBe('ok');
    }
    expect(store.size().storeBytes).toBe(bytes);
  });

  it('makes room when tokens expire, never before', async () => {
    const own = createStepClock();
    const store = createStore({ capacityBytes: 100_000 }, { clock: own });
    let n = 0;
    while (verdict(await store.reserve(requestAt(own, { jti: jti(n), calls: 1 }))) === 'ok') n += 1;
    own.advance(3_599_000);
    expect(verdict(await store.reserve(requestAt(own, { jti: jti(n), calls: 1 })))).toBe('capacity');
    expect(store.size().storeEntries).toBe(n);
    own.advance(181_000);
    expect(verdict(await store.reserve(requestAt(own, { jti: jti(n), calls: 1 })))).toBe('ok');
    expect(store.size().storeEntries).toBe(1);
  });

  it('a refused newcomer leaves nothing behind', async () => {
    const store = createStore({}, { clock });
    for (let n = 0; n < 100; n++) {
      const perSubject = { subject: `user-${n}`, calls: 0 };
      expect(verdict(await store.reserve(at({ jti: jti(n), calls: 5, perSubject })))).toBe('calls');
    }
    expect(store.size()).toEqual({ storeEntries: 0, storeBytes: 0 });
  });

  it('a subject outlives its last token while its rate window or a stream remembers it, then goes', async () => {
    const own = createStepClock();
    const store = createStore({}, { clock: own });
    const perSubject = { subject: 'user-42', rate: { count: 1, windowMs: 7_200_000 } };
    const soon = () => Math.floor(own.nowMs() / 1000) + 60;
    held(await store.reserve(requestAt(own, { jti: jti(1), perSubject, expiresAtSeconds: soon() })));
    own.advance(600_000);
    const next = () => requestAt(own, { jti: jti(2), perSubject, expiresAtSeconds: soon() });
    expect(verdict(await store.reserve(next()))).toBe('rate');
    own.advance(7_200_000);
    expect(verdict(await store.reserve(next()))).toBe('ok');
    own.advance(9_000_000);
    held(await store.reserve(requestAt(own, { jti: jti(3), calls: 1 })));
    own.advance(60_000);
    held(await store.reserve(requestAt(own, { jti: jti(4), calls: 1 })));
    expect(store.size().storeEntries).toBe(2);
    const plain = createStore({}, { clock: own });
    held(await plain.reserve(requestAt(own, { jti: jti(3), calls: 1 })));
    held(await plain.reserve(requestAt(own, { jti: jti(4), calls: 1 })));
    expect(store.size().storeBytes).toBe(plain.size().storeBytes);
  });

  it('a settlement after the entry is gone does no harm to a subject', async () => {
    const own = createStepClock();
    const store = createStore({}, { clock: own });
    const perSubject = { subject: 'user-42', calls: 2 };
    const dying = Math.floor(own.nowMs() / 1000) + 60;
    const running = held(
      await store.reserve(requestAt(own, { jti: jti(1), perSubject, expiresAtSeconds: dying })),
    );
    const lasting = requestAt(own, { jti: jti(2), perSubject });
    held(await store.reserve(lasting));
    own.advance(240_000);
    held(await store.reserve(lasting));
    expect(store.settle(running, { calls: 'refund' })).toBeNull();
    expect(verdict(await store.reserve(lasting))).toBe('calls');
  });

  it('reserves in well under the time of a request', async () => {
    const store = createStore({}, { clock });
    const request = at({ calls: 1e9, attempts: 2e9, rate: { count: 1000, windowMs: 1 }, concurrency: 5 });
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) {
      const result = store.reserve(request);
      if (!(result instanceof Promise) && 'id' in result) store.settle(result, { calls: 'commit' });
      if (i % 500 === 0) clock.advance(1);
    }
    expect((performance.now() - started) / 20_000).toBeLessThan(0.1);
  });
});

describe('the heap of the memory store', () => {
  const clock = createStepClock();
  const at = (more: Partial<ReservationRequest> = {}) => requestAt(clock, more);

  // retry: what a heap grew by also depends on when its collector ran
  it('charges no less than what tokens really take', { retry: 2 }, async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const kinds: Record<string, (n: number) => Partial<ReservationRequest>> = {
      plain: () => ({ calls: 5 }),
      leases: () => ({ concurrency: 4 }),
      nonces: (n) => ({ calls: 20, once: { kind: 'nonce', hash: `${n}`.padEnd(22, 'A') } }),
      rates: () => ({ rate: { count: 20, windowMs: 1000 } }),
      'long rates': () => ({ rate: { count: 1000, windowMs: 1000 } }),
      subjects: (n) => ({
        perSubject: { subject: `user-${n}`, calls: 50, rate: { count: 20, windowMs: 1000 } },
      }),
    };
    const taken = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    // Nothing measured is let go before the end, so that what was measured before cannot be freed meanwhile.
    const alive: MemoryStore[] = [];
    /** Bytes that a filled store takes and charges. */
    async function measure(
      kind: string,
      more: (n: number) => Partial<ReservationRequest>,
    ): Promise<number[]> {
      await new Promise(setImmediate);
      gc();
      gc();
      const before = taken();
      const store = createMemoryStore({}, { clock });
      alive.push(store);
      const times = { plain: 5, leases: 4, 'long rates': 1000 }[kind] ?? 20;
      for (let n = 0; n < 40_000 / times; n++) {
        for (let i = 0; i < times; i++) {
          held(await store.reserve(at({ jti: jti(n), ...more(kind === 'subjects' ? n : n * 20 + i) })));
        }
      }
      await new Promise(setImmediate);
      gc();
      gc();
      return [taken() - before, store.size().storeBytes];
    }
    for (const [kind, more] of Object.entries(kinds)) {
      await measure(kind, more);
      const [grown = 0, charged = 0] = await measure(kind, more);
      expect(`${kind}: ${grown <= charged ? 'enough' : `${grown} of ${charged}`}`).toBe(`${kind}: enough`);
      expect(grown).toBeGreaterThan(charged / 10);
    }
    expect(alive).toHaveLength(2 * Object.keys(kinds).length);
  });
});
