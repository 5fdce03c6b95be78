/** A fault that only coverage leads to, so that the loop itself can be seen to work; and the same without coverage. */
import { type FuzzTarget, hold } from '../target.ts';

/** Each letter a block deeper. */
function readDeep(text: string): number {
  if (text[0] !== 'q') return 0;
  if (text[1] !== 'z') return 1;
  return 2;
}

export const plantedTarget: FuzzTarget = {
  name: 'planted',
  sources: /targets\/planted\.ts$/,
  seeds: ['aaaa'],
  dictionary: ['b'],
  maxLength: 4,
  check(input) {
    hold(readDeep(input) < 2, 'the planted fault');
    return 'same';
  },
};

export const blindTarget: FuzzTarget = { ...plantedTarget, name: 'planted-blind', sources: /^nothing$/ };
