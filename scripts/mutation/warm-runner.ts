// A test runner for Stryker: loads the tests of a room once and runs them warm for each mutant, in milliseconds.
// It is not how tests are run otherwise (that is vitest): see docs/decisions/0022-mutation-runs.md.
import { globSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { closeScope, openScope, scopeMemory } from './scoped-memory.ts';
import {
  beginFile,
  COLLECTING,
  forgetNames,
  takeFinishers,
  type WarmSuite,
  type WarmTest,
} from './warm-vitest.ts';

type Hits = Record<string, number>;

/** What the instrumented sources and this runner share: Stryker's own global. */
interface Instrumentation {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: { static: Hits; perTest: Record<string, Hits> };
}

interface MutantRun {
  readonly timeout: number;
  readonly testFilter?: readonly string[];
  readonly hitLimit?: number;
  readonly activeMutant: { readonly id: string };
  readonly mutantActivation: 'runtime' | 'static';
  readonly reloadEnvironment: boolean;
}

interface Ran {
  readonly id: string;
  readonly name: string;
  readonly fileName: string;
  readonly timeSpentMs: number;
  readonly status: 0 | 1 | 2;
  readonly failureMessage?: string;
}

const SUCCESS = 0;
const FAILED = 1;
const SKIPPED = 2;

/** Longest wait for one test: a mutant that never answers must not hold the run up. */
const TEST_TIMEOUT_MS = 6_000;

const {
  setTimeout: realSetTimeout,
  clearTimeout: realClearTimeout,
  setImmediate: realSetImmediate,
} = globalThis;

const instrumentation = (): Instrumentation => {
  const place = globalThis as { __stryker__?: Instrumentation };
  place.__stryker__ ??= {};
  return place.__stryker__;
};

const stray: unknown[] = [];
let version = 0;

function listen(): void {
  scopeMemory();
  process.on('uncaughtException', (error) => stray.push(error));
  process.on('unhandledRejection', (error) => stray.push(error));
  const shim = new URL('./warm-vitest.ts', import.meta.url).href;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'vitest' && context.parentURL !== shim) return { url: shim, shortCircuit: true };
      const found = next(specifier, context);
      const ours =
        found.url.startsWith('file:') && found.url.endsWith('.ts') && !found.url.includes('/node_modules/');
      // a new version loads every source of ours once more, so that a constant is computed with its mutant in place
      if (!ours || found.url === shim) return found;
      const parents = /\?warm=(\d+)$/.exec(context.parentURL ?? '')?.[1];
      return { ...found, url: `${found.url}?warm=${parents ?? version}` };
    },
  });
}

class TestTimeout extends Error {}

async function within<T>(work: () => T, ms: number): Promise<Awaited<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = realSetTimeout(() => fail(new TestTimeout(`no end within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    realClearTimeout(timer);
  }
}

const turn = () => new Promise<void>((done) => realSetImmediate(done));

const lineage = (suite: WarmSuite): WarmSuite[] =>
  suite.parent === null ? [suite] : [...lineage(suite.parent), suite];

/** One pass over the loaded tests: those chosen, until the first failure where `bail`. */
class Pass {
  readonly results: Ran[] = [];
  timedOut = false;
  #stopped = false;
  readonly #chosen: ReadonlySet<string> | null;
  readonly #bail: boolean;

  constructor(chosen: ReadonlySet<string> | null, bail: boolean) {
    this.#chosen = chosen;
    this.#bail = bail;
  }

  async runFile(file: WarmSuite): Promise<void> {
    await this.#runSuite(file, file.name);
  }

  #isChosen(entry: WarmSuite | WarmTest): boolean {
    if (entry.kind === 'suite') return !entry.skipped && entry.children.some((one) => this.#isChosen(one));
    return !entry.skipped && (this.#chosen === null || this.#chosen.has(entry.id));
  }

  async #runSuite(suite: WarmSuite, fileName: string): Promise<void> {
    const held = instrumentation();
    const chosen = suite.children.filter((one) => this.#isChosen(one));
    if (chosen.length === 0 || this.#stopped) return;
    const hookId = `hooks of ${fileName} ${suite.name}`;
    openScope();
    held.currentTestId = hookId;
    const failure = await this.#attempt(suite.hooks.beforeAll);
    held.currentTestId = undefined;
    for (const one of chosen) {
      if (this.#stopped) break;
      if (one.kind === 'suite') await this.#runSuite(one, fileName);
      else await this.#runTest(one, fileName, failure);
    }
    held.currentTestId = hookId;
    const after = await this.#attempt(suite.hooks.afterAll);
    held.currentTestId = undefined;
    if (after !== null) this.#fail(this.results.at(-1)?.id ?? suite.name, fileName, 0, after);
    closeScope();
    spreadHits(hookId, suite);
  }

  async #attempt(hooks: readonly ((context?: object) => unknown)[]): Promise<unknown> {
    for (const hook of hooks) {
      try {
        await within(hook, TEST_TIMEOUT_MS);
      } catch (error) {
        this.timedOut ||= error instanceof TestTimeout;
        return error;
      }
    }
    return null;
  }

  async #runTest(test: WarmTest, fileName: string, failure: unknown): Promise<void> {
    const suites = lineage(test.suite);
    const before = suites.flatMap((suite) => suite.hooks.beforeEach);
    const after = [...suites].reverse().flatMap((suite) => [...suite.hooks.afterEach].reverse());
    const start = performance.now();
    let skipped = false;
    const context = {
      skip: () => {
        skipped = true;
        throw new Error('skipped');
      },
    };
    openScope();
    instrumentation().currentTestId = test.id;
    let error = failure ?? (await this.#attempt(before));
    error ??= await this.#attempt([() => test.body(context)]);
    if (skipped) error = null;
    error = [await this.#attempt(after), await this.#attempt(takeFinishers())].reduce(
      (first, next) => first ?? next,
      error,
    );
    await turn();
    error ??= stray.length > 0 ? stray[0] : null;
    stray.length = 0;
    closeScope();
    instrumentation().currentTestId = undefined;
    const spent = performance.now() - start;
    if (error !== null) this.#fail(test.id, fileName, spent, error);
    else
      this.results.push({
        id: test.id,
        name: test.id,
        fileName,
        timeSpentMs: spent,
        status: skipped ? SKIPPED : SUCCESS,
      });
  }

  #fail(id: string, fileName: string, spent: number, error: unknown): void {
    const failureMessage = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.results.push({ id, name: id, fileName, timeSpentMs: spent, status: FAILED, failureMessage });
    this.#stopped ||= this.#bail;
  }
}

/** What a suite's own hooks touch is touched by each of its tests: none runs without them. */
function spreadHits(hookId: string, suite: WarmSuite): void {
  const perTest = instrumentation().mutantCoverage?.perTest;
  const hits = perTest?.[hookId];
  if (perTest === undefined || hits === undefined) return;
  delete perTest[hookId];
  const spread = (entry: WarmSuite | WarmTest): void => {
    if (entry.kind === 'suite') return entry.children.forEach(spread);
    if (entry.skipped) return;
    const own = perTest[entry.id] ?? {};
    perTest[entry.id] = own;
    for (const [mutant, count] of Object.entries(hits)) own[mutant] = (own[mutant] ?? 0) + count;
  };
  spread(suite);
}

/**
 * A mutant that a `describe` met while listing its tests, and that tests meet too, is run warm with those tests: cheaper, and never kinder
 * than loading all files anew. Met there alone, it counts as a constant: all files are loaded with it.
 */
function dropCollected(coverage: NonNullable<Instrumentation['mutantCoverage']>): void {
  const collected = coverage.perTest[COLLECTING] ?? {};
  delete coverage.perTest[COLLECTING];
  const met = new Set(Object.values(coverage.perTest).flatMap((hits) => Object.keys(hits)));
  for (const [mutant, count] of Object.entries(collected)) {
    if (!met.has(mutant)) coverage.static[mutant] = (coverage.static[mutant] ?? 0) + count;
  }
}

class WarmRunner {
  static readonly inject = [];
  #files: WarmSuite[] | null = null;

  capabilities(): { reloadEnvironment: boolean } {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    listen();
  }

  async dryRun(): Promise<object> {
    await this.#load();
    const first = await this.#run(null, false);
    const mutantCoverage = structuredClone(instrumentation().mutantCoverage ?? { static: {}, perTest: {} });
    dropCollected(mutantCoverage);
    // a test that cannot be run twice in one process would count every mutant as killed
    const again = await this.#run(null, false);
    const broken = again.results.filter((one) => one.status === FAILED);
    const good = first.results.every((one) => one.status !== FAILED);
    if (good && broken.length > 0) {
      const list = broken.map((one) => `${one.id}\n${one.failureMessage}`).join('\n');
      return { status: 'error', errorMessage: `cannot be run twice:\n${list}` };
    }
    return { status: 'complete', tests: first.results, mutantCoverage };
  }

  async mutantRun(options: MutantRun): Promise<object> {
    const held = instrumentation();
    held.hitLimit = options.hitLimit;
    held.hitCount = options.hitLimit === undefined ? undefined : 0;
    const fresh = options.reloadEnvironment || options.mutantActivation === 'static';
    if (options.mutantActivation === 'static') held.activeMutant = options.activeMutant.id;
    else held.activeMutant = undefined;
    try {
      if (fresh || this.#files === null) await this.#load();
    } catch (error) {
      this.#files = null;
      held.activeMutant = undefined;
      // a mutant that does not even load fails every test there is
      return { status: 'killed', killedBy: ['(loading)'], failureMessage: String(error), nrOfTests: 1 };
    }
    held.activeMutant = options.activeMutant.id;
    const filter = options.testFilter === undefined ? null : new Set(options.testFilter);
    const pass = await this.#run(filter, true);
    const limit =
      held.hitCount !== undefined && options.hitLimit !== undefined && held.hitCount > options.hitLimit;
    held.activeMutant = undefined;
    held.hitCount = undefined;
    await turn();
    stray.length = 0;
    // a mutant's constants, and tests that never ended, must not meet the next one
    if (fresh || pass.timedOut || limit) this.#files = null;
    const failed = pass.results.find((one) => one.status === FAILED);
    if (limit || pass.timedOut) return { status: 'timeout', reason: limit ? 'hit limit' : 'test timeout' };
    if (failed === undefined) return { status: 'survived', nrOfTests: pass.results.length };
    return {
      status: 'killed',
      killedBy: [failed.id],
      failureMessage: failed.failureMessage,
      nrOfTests: pass.results.length,
    };
  }

  async #load(): Promise<void> {
    version += 1;
    forgetNames();
    const patterns: string[] = JSON.parse(process.env.RELAYAPI_MUTATION_TESTS ?? '[]');
    const files: WarmSuite[] = [];
    for (const name of patterns.flatMap((pattern) => globSync(pattern).sort())) {
      files.push(beginFile(name));
      await import(`${pathToFileURL(join(process.cwd(), name)).href}`);
    }
    this.#files = files;
  }

  async #run(chosen: ReadonlySet<string> | null, bail: boolean): Promise<Pass> {
    const pass = new Pass(chosen, bail);
    for (const file of this.#files ?? []) {
      if (bail && pass.results.some((one) => one.status === FAILED)) break;
      await pass.runFile(file);
    }
    return pass;
  }
}

/** What Stryker looks for in a plugin. */
export const strykerPlugins = [{ kind: 'TestRunner', name: 'warm', injectableClass: WarmRunner }];
