/** V8's own block coverage of a few source files, taken step by step: which blocks are new. */
import { type Profiler, Session } from 'node:inspector';

/** Coverage since the last look. */
export interface Coverage {
  /** Bytes of source that ran for the first time. */
  readonly fresh: number;
}

/** A running measurement. */
export interface CoverageMeter {
  /** What ran since the last look; `keep` adds it to what is known. */
  look(keep: boolean): Coverage;
  /** Bytes of source known to have run. */
  readonly known: number;
  stop(): void;
}

/** Starts to measure the files whose address matches. */
export function startCoverage(sources: RegExp): CoverageMeter {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const seen = new Map<string, Uint8Array>();
  let known = 0;

  function take(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    // the inspector of one's own thread answers before it returns
    session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      scripts = result;
    });
    return scripts.filter(({ url }) => sources.test(url));
  }

  function look(keep: boolean): Coverage {
    let fresh = 0;
    for (const { url, functions } of take()) {
      const end = Math.max(...functions.map(({ ranges }) => ranges[0]?.endOffset ?? 0));
      const ran = new Uint8Array(end);
      // outer functions and blocks come before the ones within: the last word on a byte is the innermost's
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        }
      }
      let before = seen.get(url) ?? new Uint8Array(end);
      if (before.length < end) {
        const longer = new Uint8Array(end);
        longer.set(before);
        before = longer;
      }
      for (let i = 0; i < end; i++) {
        if (ran[i] === 0 || before[i] === 1) continue;
        fresh += 1;
        if (keep) before[i] = 1;
      }
      if (keep) seen.set(url, before);
    }
    if (keep) known += fresh;
    return { fresh };
  }

  return {
    look,
    get known() {
      return known;
    },
    stop: () => session.disconnect(),
  };
}
