/** house: real time, in name only: every setTimeout here is driven by fake timers. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RaiFiles, RaiLook } from './rai-files.ts';
import { type RaiWatch, watchRaiFiles } from './rai-watch.ts';

const SAME: RaiLook = { files: [], rejected: [], changed: false, newlyRejected: [] };
const CHANGED: RaiLook = { ...SAME, changed: true };
const REJECTED: RaiLook = {
  ...SAME,
  newlyRejected: [{ name: 'a.rai', problems: [], keepsOld: true, clash: false }],
};

let watches: RaiWatch[] = [];

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  for (const watch of watches) watch.stop();
  watches = [];
  vi.useRealTimers();
});

/** A watch over files that give one look after the other, the last one for ever. */
function watchOver(
  looks: readonly (RaiLook | Error)[],
  onChange: (look: RaiLook) => void | Promise<void> = () => {},
) {
  const left = [...looks];
  const taken: RaiLook[] = [];
  const faults: unknown[] = [];
  let asked = 0;
  const files: RaiFiles = {
    folder: true,
    async look() {
      asked += 1;
      const next = left.length > 1 ? left.shift() : left[0];
      if (next instanceof Error) throw next;
      return next ?? SAME;
    },
  };
  const watch = watchRaiFiles({
    path: mkdtempSync(join(tmpdir(), 'relayapi-watch-')),
    files,
    onFault: (error) => faults.push(error),
    async onChange(look) {
      taken.push(look);
      await onChange(look);
    },
  });
  watches.push(watch);
  return { watch, taken, faults, asked: () => asked };
}

describe('the watch', () => {
  it('looks again and again by the clock, well within a second', async () => {
    const { asked } = watchOver([SAME]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked()).toBeGreaterThanOrEqual(2);
  });

  it('tells of changes and of new rejections, and of nothing else', async () => {
    const { taken } = watchOver([SAME, CHANGED, SAME, REJECTED, SAME]);
    await vi.advanceTimersByTimeAsync(4000);
    expect(taken).toEqual([CHANGED, REJECTED]);
  });

  it('survives a look that fails, reports it, and goes on', async () => {
    const { taken, faults } = watchOver([new Error('disk'), CHANGED, SAME]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(faults).toEqual([new Error('disk')]);
    expect(taken).toEqual([CHANGED]);
  });

  it('survives a change that cannot be taken', async () => {
    const { faults, asked } = watchOver([CHANGED, SAME], () => {
      throw new Error('no');
    });
    await vi.advanceTimersByTimeAsync(2000);
    expect(faults).toEqual([new Error('no')]);
    expect(asked()).toBeGreaterThan(2);
  });

  it('takes one change at a time', async () => {
    let inside = 0;
    let most = 0;
    const { taken } = watchOver([CHANGED], async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 900));
      inside -= 1;
    });
    await vi.advanceTimersByTimeAsync(5000);
    expect(taken.length).toBeGreaterThan(2);
    expect(most).toBe(1);
  });

  it('does not pile looks up behind a slow one', async () => {
    const { asked } = watchOver([CHANGED], () => new Promise((resolve) => setTimeout(resolve, 10_000)));
    await vi.advanceTimersByTimeAsync(10_500);
    expect(asked()).toBeLessThan(5);
  });

  it('looks at once when asked to, and waits until a change is in effect', async () => {
    const { watch, taken } = watchOver([CHANGED, SAME]);
    await watch.lookNow();
    expect(taken).toEqual([CHANGED]);
  });

  it('stops', async () => {
    const { watch, asked } = watchOver([SAME]);
    watch.stop();
    await vi.advanceTimersByTimeAsync(5000);
    await watch.lookNow();
    expect(asked()).toBe(0);
  });
});
