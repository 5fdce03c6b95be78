/** Which of V8's flags are set, and that Node's own come first. What they do is measured, not tested: docs/decisions/0031. */
import { setFlagsFromString } from 'node:v8';
import { afterEach, expect, it, vi } from 'vitest';
import { keepCompiledCode } from './collector.ts';

vi.mock('node:v8', { spy: true });

const own = process.execArgv;
afterEach(() => {
  process.execArgv = own;
  vi.mocked(setFlagsFromString).mockClear();
});

const flags = () => vi.mocked(setFlagsFromString).mock.calls.map(([flag]) => flag);

it('V8 makes no collection because it is quiet, keeps the shapes of its code, and has room to grow', () => {
  keepCompiledCode();
  expect(flags()).toEqual([
    '--memory-reducer-gc-count=0',
    '--retain-maps-for-n-gc=1000000',
    '--heap-growing-percent=300',
  ]);
});

it.each(['--memory-reducer', '--memory-reducer-gc-count=2'])('stays as it was with %s', (flag) => {
  process.execArgv = ['--conditions=x', flag];
  keepCompiledCode();
  expect(flags()).toEqual([]);
});

it('another flag of the reducer is no wish', () => {
  process.execArgv = ['--memory-reducer-delay-ms=300'];
  keepCompiledCode();
  expect(flags()).toHaveLength(3);
});
