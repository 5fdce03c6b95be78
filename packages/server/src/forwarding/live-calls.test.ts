/** The set of calls under way: who is in it, and who is ended. */
import { expect, test } from 'vitest';
import { callWith } from '../../test/support/forwarding.ts';
import { type Denial, deny } from '../errors.ts';
import { createLiveCalls } from './live-calls.ts';

test('a call is in the set until it is taken out, and no other call is taken out with it', () => {
  const live = createLiveCalls();
  const call = callWith();
  const leave = live.enter(call, () => {});
  live.enter(call, () => {});
  expect(live.size()).toBe(2);
  leave();
  leave();
  expect(live.size()).toBe(1);
});

test('cutting ends those that match with the reason, and counts them', () => {
  const live = createLiveCalls();
  const ended: [string, Denial][] = [];
  for (const sub of ['a', 'b', 'a']) {
    live.enter(callWith({ claims: { sub } }), (reason) => ended.push([sub, reason]));
  }
  const reason = deny('draining');
  expect(live.cut(({ opened }) => opened.claims.sub === 'a', reason)).toBe(2);
  expect(ended).toEqual([
    ['a', reason],
    ['a', reason],
  ]);
  expect(live.cut(() => false, reason)).toBe(0);
});
