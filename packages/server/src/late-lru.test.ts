/** A cache that takes its memory late. */
import fc from 'fast-check';
import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';
import { createLateLru } from './late-lru.ts';

const key = fc.integer({ min: 0, max: 6 });
const step = fc.oneof(
  fc.record({ does: fc.constant('set' as const), key, value: fc.nat(100) }),
  fc.record({ does: fc.constantFrom('get' as const, 'has' as const, 'delete' as const), key }),
);

test('answers as an LRU cache does from the first question on, and tells of the same leavers', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const left: [number, number][] = [];
      const gone: [number, number][] = [];
      const late = createLateLru<number, number>({
        max: 3,
        dispose: (value, key) => left.push([key, value]),
      });
      const plain = new LRUCache<number, number>({
        max: 3,
        dispose: (value, key) => gone.push([key, value]),
      });
      for (const one of steps) {
        if (one.does === 'set') {
          late.set(one.key, one.value);
          plain.set(one.key, one.value);
        } else if (one.does === 'delete') {
          late.delete(one.key);
          plain.delete(one.key);
        } else expect(late[one.does](one.key)).toEqual(plain[one.does](one.key));
        expect(late.size).toBe(plain.size);
      }
      expect(left).toEqual(gone);
    }),
  );
});

test('its tables are made with the first entry', () => {
  const before = process.memoryUsage().arrayBuffers;
  const caches = Array.from({ length: 8 }, () => createLateLru<string, number>({ max: 1 << 20 }));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  caches[0]?.set('a', 1);
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(4 << 20);
});
