/** Members of bodies, found without reading the whole body. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodyMember } from './json-text.ts';

test('a member of a body is the one that reading the whole body would find, whatever stands around it', () => {
  const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.string({ maxLength: 8 }));
  const inner = fc.oneof(
    scalar,
    fc.record({ usage: fc.record({ n: fc.nat() }) }),
    fc.array(scalar, { maxLength: 3 }),
  );
  const usage = fc.record({ n: fc.nat(), usage: fc.option(scalar, { nil: undefined }) });
  const body = fc.array(
    fc.oneof(fc.tuple(fc.string({ maxLength: 6 }), inner), fc.tuple(fc.constant('usage'), usage)),
    {
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(body, (members) => {
      const text = `{${members.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(', ')}}`;
      const whole = JSON.parse(text).usage;
      expect(bodyMember(text, 'usage')).toEqual(
        typeof whole === 'object' && !Array.isArray(whole) ? (whole ?? null) : null,
      );
    }),
    { numRuns: 2000 },
  );
});
