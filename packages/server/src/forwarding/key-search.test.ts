import fc from 'fast-check';
import { Secret } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { createKeyFinder, SHORTEST_SEARCHED } from './key-search.ts';

const KEY = 'sk-demo-not-a-key/with+odd="chars"\\end';
const secret = new Secret(KEY);
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Feeds `bytes` cut at the given places; null when the search found something, else all that came out. */
function run(bytes: Uint8Array, cuts: readonly number[], secrets: readonly Secret[] = [secret]) {
  const search = createKeyFinder(secrets).search();
  const out: Uint8Array[] = [];
  let longestHeld = 0;
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (to < from) continue;
    const released = search.push(bytes.subarray(from, to));
    if (released === null) return { found: true as const, out: Buffer.concat(out), longestHeld };
    out.push(...released);
    from = to;
    longestHeld = Math.max(longestHeld, to - Buffer.concat(out).length);
  }
  out.push(...search.flush());
  return { found: false as const, out: Buffer.concat(out), longestHeld };
}

const holds = (bytes: Uint8Array, secrets: readonly Secret[]) => createKeyFinder(secrets).inBytes(bytes);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const each = (text: string, spell: (code: number) => string) =>
  Array.from(text, (character) => spell(character.charCodeAt(0))).join('');
const hex2 = (code: number) => code.toString(16).padStart(2, '0');

const SPELLINGS: Record<string, string> = {
  plain: KEY,
  'base64 at the first byte': base64(KEY),
  'base64 after one byte': base64(`x${KEY}yz`),
  'base64 after two bytes': base64(`xy${KEY}z`),
  'base64 within a basic credential': base64(`user:${KEY}`),
  base64url: Buffer.from(`ab${KEY}`).toString('base64url'),
  'base64 with escaped slashes': base64(`a${KEY}`).replaceAll('/', '\\/'),
  'percent-encoded base64': encodeURIComponent(base64(KEY)),
  'percent-encoded': encodeURIComponent(KEY),
  'percent-encoded in lower case': encodeURIComponent(KEY).replace(/%../g, (code) => code.toLowerCase()),
  'every byte percent-encoded': each(KEY, (code) => `%${hex2(code)}`),
  'percent-encoded twice': encodeURIComponent(encodeURIComponent(KEY)),
  'JSON string': JSON.stringify(KEY),
  'JSON string in a JSON string': JSON.stringify(JSON.stringify(KEY)),
  'JSON with escaped slashes': JSON.stringify(KEY).replaceAll('/', '\\/'),
  'JSON with every character escaped': each(KEY, (code) => `\\u00${hex2(code)}`),
  'JSON with upper-case escapes': each(KEY, (code) => `\\u00${hex2(code).toUpperCase()}`),
  'JSON as Go writes it': JSON.stringify(KEY).replaceAll('=', '\\u003d').replaceAll('+', '\\u002b'),
  'escaped as \\x': each(KEY, (code) => `\\x${hex2(code)}`),
  hex: Buffer.from(KEY).toString('hex'),
  'upper-case hex': Buffer.from(KEY).toString('hex').toUpperCase(),
};

describe('A26 the key is found in every chunking', () => {
  test.each(Object.entries(SPELLINGS))('%s', (_name, spelling) => {
    const bytes = bytesOf(`{"error":"bad key ${spelling} given"}`);
    const at = Buffer.from(bytes).indexOf(spelling);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { found, out } = run(bytes, [cut]);
      expect(found).toBe(true);
      // in base64 what stood before the key fills the first characters
      expect(out.length).toBeLessThanOrEqual(at + 8);
    }
    const single = run(
      bytes,
      Array.from({ length: bytes.length }, (_, i) => i),
    );
    expect(single.found).toBe(true);
    expect(single.out.toString()).not.toContain('sk-demo');
  });

  test('in any chunking, around anything, in any mix of spellings', () => {
    const characters = Array.from(KEY);
    const spelled = fc.tuple(...characters.map(() => fc.nat(3))).map((choices) =>
      characters
        .map((character, i) => {
          const code = character.charCodeAt(0);
          if (choices[i] === 1) return `%${hex2(code)}`;
          if (choices[i] === 2) return `\\u00${hex2(code).toUpperCase()}`;
          return character;
        })
        .join(''),
    );
    fc.assert(
      fc.property(
        fc.string(),
        spelled,
        fc.string(),
        fc.array(fc.nat(400), { maxLength: 30 }),
        (before, key, after, cuts) => {
          const bytes = bytesOf(before + key + after);
          const sorted = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
          expect(run(bytes, sorted).found).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('of several secrets any one is found', () => {
    const secrets = [secret, new Secret('another-demo-secret'), new Secret('demo-region-name')];
    expect(holds(bytesOf('x demo-region-name y'), secrets)).toBe(true);
    expect(holds(bytesOf(`x ${base64('..another-demo-secret')} y`), secrets)).toBe(true);
    expect(holds(bytesOf('nothing of the kind'), secrets)).toBe(false);
  });

  test('a key that repeats itself is found after a false start', () => {
    const repeating = new Secret('abababababac');
    const bytes = bytesOf('xxababababababababacxx');
    for (let cut = 0; cut <= bytes.length; cut++) expect(run(bytes, [cut], [repeating]).found).toBe(true);
  });
});

describe('what does not hold the key', () => {
  test('comes out whole and in order, in any chunking', () => {
    const near = fc.constantFrom(
      'sk-',
      'sk-demo-',
      'sk-demo-not-a-key/',
      '%73',
      '\\u0073k',
      base64('sk-demo'),
      '%25',
      '\\\\',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), near), { maxLength: 20 }),
        fc.array(fc.nat(300), { maxLength: 30 }),
        (parts, cuts) => {
          const bytes = bytesOf(parts.join(''));
          fc.pre(!Buffer.from(bytes).toString().includes(KEY));
          const sorted = cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
          const { found, out } = run(bytes, sorted);
          expect(found).toBe(false);
          expect(out.equals(Buffer.from(bytes))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('is held back only while it could still become the key', () => {
    const search = createKeyFinder([secret]).search();
    expect(Buffer.concat(search.push(bytesOf('data: hello\n\n')) ?? []).toString()).toBe('data: hello\n\n');
    expect(Buffer.concat(search.push(bytesOf('data: sk-demo')) ?? []).toString()).toBe('data: ');
    expect(Buffer.concat(search.push(bytesOf('n')) ?? []).toString()).toBe('sk-demon');
    expect(search.flush()).toEqual([]);
  });

  test('never holds back more than a partial key can be long', () => {
    for (const filler of ['\\', '%25', 's', '\\u0073', 'c2st', '%']) {
      const { found, longestHeld } = run(
        bytesOf(filler.repeat(20_000 / filler.length)),
        [5_000, 10_000, 15_000],
      );
      expect(found).toBe(false);
      expect(longestHeld).toBeLessThan(KEY.length * 2 * 12 + 12);
    }
  });

  test('is let go when one character is spelled without end', () => {
    for (const [begin, filler] of [
      ['s', '\\'],
      ['s%', '25'],
    ] as const) {
      const { found, longestHeld } = run(bytesOf(begin + filler.repeat(10_000)), [3_000, 6_000, 9_000]);
      expect(found).toBe(false);
      expect(longestHeld).toBeLessThan(KEY.length * 2 * 12 + 12);
    }
  });

  test('is let go without waiting for more when the stream ends', () => {
    const search = createKeyFinder([secret]).search();
    expect(search.push(bytesOf('sk-demo'))).toEqual([]);
    expect(Buffer.concat(search.flush()).toString()).toBe('sk-demo');
  });
});

test('secrets too short to tell from text are not searched for', () => {
  const short = new Secret('x'.repeat(SHORTEST_SEARCHED - 1));
  expect(createKeyFinder([short]).searchable).toBe(false);
  expect(createKeyFinder([short, secret]).searchable).toBe(true);
  expect(holds(bytesOf('xxxxxxxxxxxxxxxx'), [short])).toBe(false);
  expect(holds(bytesOf('xxxxxxxx'), [new Secret('x'.repeat(SHORTEST_SEARCHED))])).toBe(true);
});

test('a search without secrets lets everything through', () => {
  const search = createKeyFinder([]).search();
  expect(search.push(bytesOf('%\\s'))).toEqual([bytesOf('%\\s')]);
});

test('a header value is searched as text', () => {
  const finder = createKeyFinder([secret]);
  expect(finder.inText(`for ${encodeURIComponent(KEY)}`)).toBe(true);
  expect(finder.inText('application/json')).toBe(false);
  expect(finder.inText(KEY.slice(1))).toBe(false);
  expect(createKeyFinder([]).inText(KEY)).toBe(false);
});
