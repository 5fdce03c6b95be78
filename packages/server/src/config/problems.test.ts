import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { faultsOf, jsonPath } from './problems.ts';

describe('a JSON path', () => {
  it.each([
    [[], '$'],
    [['server', 'port'], '$.server.port'],
    [['upstream', 'allow_private', 2], '$.upstream.allow_private[2]'],
    [['providers', 'my-own', 'base_url'], '$.providers["my-own"].base_url'],
    [['providers', 'with "quotes"'], '$.providers["with \\"quotes\\""]'],
    [['vault', ''], '$.vault[""]'],
  ] as const)('of %j is %s', (path, text) => expect(jsonPath([...path])).toBe(text));
});

/** What one schema says of one value. */
function faults(schema: z.ZodType, value: unknown, known: readonly string[] = []) {
  const result = schema.safeParse(value);
  if (result.success) return [];
  const at = (path: readonly PropertyKey[]) =>
    path.reduce<unknown>((node, part) => (node as Record<PropertyKey, unknown> | undefined)?.[part], value);
  return result.error.issues
    .flatMap((issue) => faultsOf(issue, () => known, at))
    .map(({ path, message, fix }) => `${jsonPath(path)}: ${message}; ${fix}`);
}

describe('a fault in words', () => {
  it.each([
    ['a missing value', z.object({ a: z.string() }), {}, '$.a: is missing; add it: a text in quotes'],
    ['a text for a number', z.number(), '5', '$: must be a number, is "5"; write a number'],
    ['a number for a text', z.string(), 5, '$: must be a text in quotes, is 5; write a text in quotes'],
    ['null', z.boolean(), null, '$: must be true or false, is null; write true or false'],
    [
      'a list for an object',
      z.object({}),
      [],
      '$: must be an object in { }, is a list; write an object in { }',
    ],
    [
      'an object for a list',
      z.array(z.string()),
      {},
      '$: must be a list in [ ], is an object; write a list in [ ]',
    ],
    [
      'a fraction for a whole number',
      z.int(),
      1.5,
      '$: must be a whole number, is 1.5; write a whole number',
    ],
    ['too small', z.number().min(3), 2, '$: must be at least 3, is 2; choose 3 or more'],
    ['too big', z.number().max(3), 4, '$: must be at most 3, is 4; choose 3 or less'],
    [
      'too short',
      z.string().min(2),
      'a',
      '$: must be at least 2 characters, is "a"; choose 2 characters or more',
    ],
    [
      'too many',
      z.array(z.int()).max(1),
      [1, 2],
      '$: must be at most 1 items, is a list; choose 1 items or less',
    ],
    [
      'none of the words',
      z.enum(['memory', 'file']),
      'memroy',
      '$: must be one of "memory", "file", is "memroy"; write "memory"',
    ],
    [
      'nothing like the words',
      z.enum(['memory', 'file']),
      'zzz',
      '$: must be one of "memory", "file", is "zzz"; write "memory" or "file"',
    ],
    [
      'a rule of its own',
      z.string().regex(/^x$/, 'must be x'),
      'y',
      '$: must be x; see docs/options.md for what may stand here',
    ],
    [
      'a bad name',
      z.record(z.string().regex(/^x$/, 'must be x'), z.int()),
      { y: 1 },
      '$.y: this name must be x; rename it',
    ],
  ])('%s', (_what, schema, value, words) => expect(faults(schema, value)).toEqual([words]));

  it('every unknown key is a fault of its own, with the nearest known one', () => {
    expect(faults(z.strictObject({ port: z.int().optional() }), { prot: 1, zzzzzz: 2 }, ['port'])).toEqual([
      '$.prot: unknown key; did you mean "port"?; rename it to "port" or remove it',
      '$.zzzzzz: unknown key; remove it; known here: port',
    ]);
  });

  it('a choice between forms names the field that decides', () => {
    const form = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('none') }),
      z.strictObject({ kind: z.literal('header'), name: z.string() }),
    ]);
    expect(faults(form, { kind: 'x' })).toEqual([
      '$.kind: must be "none" or "header", is "x"; write "none" or "header"',
    ]);
    expect(faults(form, { kind: 'header' })).toEqual(['$.name: is missing; add it: a text in quotes']);
  });

  it('long texts are not repeated', () => {
    expect(faults(z.number(), 'x'.repeat(25))).toEqual(['$: must be a number, is a text; write a number']);
  });
});
