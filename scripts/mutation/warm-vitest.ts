// Stands in for `vitest` during a mutation run: the same words register the tests, but they stay loaded and can be run again and again.
// It is not a test runner for people: names are not formatted, nothing is printed. `expect` and the spies are vitest's own.
import { expect as vitestExpect, vi as vitestVi } from 'vitest';

type Body = (context: object) => unknown;
type Hook = (context?: object) => unknown;

/** One registered test. */
export interface WarmTest {
  readonly kind: 'test';
  readonly id: string;
  readonly body: Body;
  readonly skipped: boolean;
  readonly suite: WarmSuite;
}

/** A file or a `describe`, with its hooks and what it holds. */
export interface WarmSuite {
  readonly kind: 'suite';
  readonly name: string;
  readonly skipped: boolean;
  readonly parent: WarmSuite | null;
  readonly children: (WarmSuite | WarmTest)[];
  readonly hooks: Record<'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach', Hook[]>;
}

const createSuite = (name: string, parent: WarmSuite | null, skipped: boolean): WarmSuite => ({
  kind: 'suite',
  name,
  skipped,
  parent,
  children: [],
  hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] },
});

/** Under this name Stryker counts what runs while a `describe` lists its tests. */
export const COLLECTING = '(collecting)';

let current: WarmSuite = createSuite('', null, false);
const names = new Map<string, number>();
const finishers: Hook[] = [];

/** Opens the suite of a file; what is registered until the next call belongs to it. */
export function beginFile(name: string): WarmSuite {
  current = createSuite(name, null, false);
  return current;
}

/** Forgets the names given so far: they make the ids of a newly loaded set of files. */
export function forgetNames(): void {
  names.clear();
}

/** What `onTestFinished` collected since the last call, the latest first. */
export function takeFinishers(): Hook[] {
  return finishers.splice(0).reverse();
}

const fullName = (suite: WarmSuite | null): string =>
  suite === null ? '' : `${fullName(suite.parent)}${suite.name} > `;

function addTest(name: string, body: Body | undefined, skipped: boolean): void {
  const plain = `${fullName(current)}${name}`;
  const seen = names.get(plain) ?? 0;
  names.set(plain, seen + 1);
  const id = seen === 0 ? plain : `${plain} #${seen}`;
  const skip = skipped || body === undefined;
  current.children.push({ kind: 'test', id, body: body ?? (() => {}), skipped: skip, suite: current });
}

function addSuite(name: string, body: (() => unknown) | undefined, skipped: boolean): void {
  const suite = createSuite(name, current, skipped || current.skipped);
  current.children.push(suite);
  current = suite;
  const held = globalThis as { __stryker__?: { currentTestId?: string | undefined } };
  // what a describe prepares for its tests is no constant of a source: see `dropCollected` of the runner
  if (held.__stryker__ !== undefined) held.__stryker__.currentTestId = COLLECTING;
  try {
    if (body?.() instanceof Promise) throw new Error(`describe "${name}" is asynchronous`);
  } finally {
    current = suite.parent ?? current;
    if (held.__stryker__ !== undefined && current.parent === null) held.__stryker__.currentTestId = undefined;
  }
}

type Add = (name: string, body: ((...args: unknown[]) => unknown) | undefined, skipped: boolean) => void;

// vitest takes (name, body, timeout) and (name, options, body)
const bodyOf = (rest: readonly unknown[]) =>
  rest.find((one) => typeof one === 'function') as ((...args: unknown[]) => unknown) | undefined;

function createWord(add: Add, skipped: boolean) {
  const word = (name: string, ...rest: unknown[]) => add(name, bodyOf(rest), skipped);
  return Object.assign(word, {
    each:
      (rows: readonly unknown[]) =>
      (name: string, ...rest: unknown[]) => {
        const body = bodyOf(rest);
        for (const row of rows) {
          const args = Array.isArray(row) ? row : [row];
          add(name, body && (() => body(...args)), skipped);
        }
      },
  });
}

function createWords(add: Add) {
  const word = createWord(add, false);
  const skip = createWord(add, true);
  return Object.assign(word, {
    skip,
    skipIf: (condition: unknown) => (condition ? skip : word),
    runIf: (condition: unknown) => (condition ? word : skip),
  });
}

const withContext: Add = (name, body, skipped) => addTest(name, body as Body | undefined, skipped);

/** As vitest's. */
export const it = createWords(withContext);
/** As vitest's. */
export const test = createWords(withContext);
/** As vitest's. */
export const describe = createWords((name, body, skipped) => addSuite(name, body, skipped));

const hook = (kind: keyof WarmSuite['hooks']) => (body: Hook) => {
  current.hooks[kind].push(body);
};
/** As vitest's. */
export const beforeAll = hook('beforeAll');
/** As vitest's. */
export const afterAll = hook('afterAll');
/** As vitest's. */
export const beforeEach = hook('beforeEach');
/** As vitest's. */
export const afterEach = hook('afterEach');
/** As vitest's. */
export const onTestFinished = (body: Hook): void => {
  finishers.push(body);
};

// taken before any test puts fake timers in their place
const { setTimeout: realSetTimeout, performance: realPerformance } = globalThis;
const sleep = (ms: number) => new Promise<void>((done) => realSetTimeout(done, ms));

interface Patience {
  readonly timeout?: number;
  readonly interval?: number;
}

async function untilItPasses<T>(
  attempt: () => T,
  patience: Patience | number | undefined,
): Promise<Awaited<T>> {
  const { timeout = 1000, interval = 20 } =
    typeof patience === 'number' ? { timeout: patience } : (patience ?? {});
  const end = realPerformance.now() + timeout;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (realPerformance.now() > end) throw error;
    }
    if (vitestVi.isFakeTimers()) vitestVi.advanceTimersByTime(interval);
    await sleep(interval);
  }
}

// expect.poll(read).not.toBe(1): the chain of words is kept and asked again for each value
function poll(read: () => unknown, patience?: Patience): unknown {
  const chain = (words: readonly string[]): unknown =>
    new Proxy(() => {}, {
      get: (_target, word) => chain([...words, String(word)]),
      apply: (_target, _self, args) =>
        untilItPasses(async () => {
          let held: unknown = vitestExpect(await read());
          for (const word of words.slice(0, -1)) held = Reflect.get(held as object, word);
          const verb = Reflect.get(held as object, words.at(-1) ?? '') as (...all: unknown[]) => unknown;
          return verb.apply(held, args);
        }, patience),
    });
  return chain([]);
}

/** vitest's own, with a `poll` that needs no vitest around it. */
export const expect = Object.assign(vitestExpect, { poll });

/** vitest's own, with waits that need no vitest around them. */
export const vi = Object.assign(Object.create(vitestVi) as typeof vitestVi, {
  waitFor: untilItPasses,
  waitUntil: (read: () => unknown, patience?: Patience | number) =>
    untilItPasses(async () => {
      const value = await read();
      if (!value) throw new Error('waitUntil: not yet');
      return value;
    }, patience),
});

// what vitest's fake timers read from the worker they expect to live in
Object.assign(globalThis, {
  __vitest_worker__: { config: { fakeTimers: { loopLimit: 10_000, shouldClearNativeTimers: true } } },
});
