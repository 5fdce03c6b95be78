import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  concatBytes,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
  randomBytes,
  sha256,
} from './bytes.ts';

describe('base64url', () => {
  test('encoding agrees with the platform for all bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (b) => {
        const text = encodeBase64Url(b);
        expect(text).toBe(Buffer.from(b).toString('base64url'));
        expect(decodeBase64Url(text)).toEqual(b);
      }),
    );
  });

  test('exactly one spelling of every byte string is taken', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    let accepted = 0;
    for (const a of alphabet) for (const b of alphabet) if (decodeBase64Url(a + b) !== null) accepted++;
    expect(accepted).toBe(256);
    for (const [one, ok] of [
      ['AAA', true],
      ['AAB', false],
      ['AAE', true],
      ['AAF', false],
    ] as const) {
      expect(decodeBase64Url(one) !== null, one).toBe(ok);
    }
  });

  test.each(['A', 'AAAAA', 'AA==', 'AA=', 'A+AA', 'A/AA', 'AA A', 'AA\n', 'ÄAAA', 'A\u0000AA', 'AAA\u0141'])(
    '%j is refused',
    (text) => {
      expect(decodeBase64Url(text)).toBeNull();
    },
  );

  test('a random text decodes only if encoding gives it back', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_=+/-]{0,12}$/), (text) => {
        const b = decodeBase64Url(text);
        const canonical = Buffer.from(text, 'base64url').toString('base64url') === text;
        expect(b !== null).toBe(canonical);
      }),
      { numRuns: 2000 },
    );
  });
});

test('UTF-8 that is not UTF-8 is null, and a BOM is kept', () => {
  expect(decodeUtf8(new Uint8Array([0xff]))).toBeNull();
  expect(decodeUtf8(encodeUtf8('\uFEFFä'))).toBe('\uFEFFä');
});

test('bytes are joined in order', () => {
  expect(concatBytes(new Uint8Array([1]), new Uint8Array(), new Uint8Array([2, 3]))).toEqual(
    new Uint8Array([1, 2, 3]),
  );
});

test('SHA-256 is the standard one', () => {
  expect(encodeBase64Url(sha256(encodeUtf8('abc')))).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});

test('random bytes have their length and differ', () => {
  expect(randomBytes(32).length).toBe(32);
  expect(encodeBase64Url(randomBytes(16))).not.toBe(encodeBase64Url(randomBytes(16)));
});
