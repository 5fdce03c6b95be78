import { expect, it } from 'vitest';
import { type MutantState, type RoomResult, renderSurvivors, renderTable } from './report.ts';

const mutant = (status: MutantState['status'], place = '3:5-3:9'): MutantState => ({
  mutator: 'ConditionalExpression',
  place,
  original: 'a <\n  b',
  replacement: 'false',
  status,
});
const result: RoomResult = {
  files: {
    'src/a.ts': {
      digest: '',
      mutants: [mutant('Survived', '12:1-12:4'), mutant('NoCoverage'), mutant('Killed'), mutant('Timeout')],
    },
    'src/b.ts': { digest: '', mutants: [mutant('Killed'), mutant('RuntimeError')] },
  },
};

it('counts a timeout as a kill, a mutant no test reaches as alive, and an error not at all', () => {
  expect(renderTable({ a: result })).toContain('| a | 6 | 2 | 1 | 1 | 1 | 1 | 60.0 % |');
});

it('adds the rooms up when there are several', () => {
  expect(renderTable({ a: result, b: result })).toContain('| all | 12 | 4 | 2 | 2 | 2 | 2 | 60.0 % |');
});

it('lists what lived in the order of the lines, each on one line', () => {
  expect(renderSurvivors(result)).toBe(
    [
      '# src/a.ts: 2 of 4 live',
      'src/a.ts:3:5 ConditionalExpression (no coverage): a < b → false',
      'src/a.ts:12:1 ConditionalExpression: a < b → false',
      '',
      '# src/b.ts: 0 of 2 live',
      '',
    ].join('\n'),
  );
});
