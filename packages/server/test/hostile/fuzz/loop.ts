/**
 * The coverage-guided loop (docs/decisions, "own fuzzing loop"): inputs that reach new blocks, or end in a word not heard before, join
 * the corpus and are mutated further.
 */
import { mutate } from '../../../../token/test/support/mutate.ts';
import { createRandom, type Random } from '../../../../token/test/support/random.ts';
import { startCoverage } from './coverage.ts';
import type { FuzzTarget } from './target.ts';

/** What a run came to. */
export interface FuzzReport {
  readonly target: string;
  readonly runs: number;
  readonly corpus: number;
  /** Bytes of source that ran. */
  readonly covered: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** The first input that broke an invariant, one byte per character. */
  readonly broken: { readonly input: string; readonly words: string } | null;
}

/** Between two looks at the coverage: looking costs more than running. */
const BATCH = 64;

/** Fuzzes one target with so many inputs. */
export async function runLoop(target: FuzzTarget, runs: number, seed: number): Promise<FuzzReport> {
  const random = createRandom(seed);
  const corpus = [...target.seeds];
  const outcomes: Record<string, number> = {};
  let broken: FuzzReport['broken'] = null;

  async function run(input: string): Promise<boolean> {
    try {
      const word = await target.check(input);
      outcomes[word] = (outcomes[word] ?? 0) + 1;
      return outcomes[word] === 1;
    } catch (error) {
      broken ??= { input, words: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      return false;
    }
  }

  const meter = startCoverage(target.sources);
  for (const input of target.seeds) await run(input);
  meter.look(true);
  let done = corpus.length;
  const material = {
    dictionary: target.dictionary,
    other: () => random.pick(corpus),
    maxLength: target.maxLength,
  };
  while (done < runs && broken === null) {
    const batch = Array.from({ length: BATCH }, () => mutate(pickInput(corpus, random), random, material));
    for (const input of batch) if (await run(input)) corpus.push(input);
    done += BATCH;
    if (meter.look(false).fresh === 0) continue;
    for (const input of batch) {
      await run(input);
      if (meter.look(true).fresh > 0) corpus.push(input);
    }
  }
  const covered = meter.known;
  meter.stop();
  return { target: target.name, runs: done, corpus: corpus.length, covered, outcomes, broken };
}

/** Mostly what joined last: the edge of what is known. */
function pickInput(corpus: readonly string[], random: Random): string {
  const recent = random.oneIn(3) ? Math.min(corpus.length, 8) : corpus.length;
  return corpus[corpus.length - 1 - random.below(recent)] as string;
}
