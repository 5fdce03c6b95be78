import { aessiv } from '@noble/ciphers/aes.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SecretBytes } from './secret.ts';
import { createSivBox } from './siv.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const MATERIAL = new SecretBytes(new Uint8Array(32).fill(7));
const box = createSivBox(MATERIAL, 'demo');
const CONTEXT = [bytes('openai'), bytes('response'), bytes('shop')];

describe('a SIV box', () => {
  test('gives back what it sealed, and the same text looks the same each time', () => {
    const sealed = box.seal(CONTEXT, bytes('resp_1'));
    expect(sealed.length).toBe(16 + 6);
    expect(box.seal(CONTEXT, bytes('resp_1'))).toEqual(sealed);
    expect(box.open(CONTEXT, sealed)).toEqual(bytes('resp_1'));
  });

  test('opens nothing that was changed, cut or sealed in another context, for another purpose or with another key', () => {
    const sealed = box.seal(CONTEXT, bytes('resp_1'));
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i] = (changed[i] as number) ^ 1;
      expect(box.open(CONTEXT, changed)).toBeNull();
      expect(box.open(CONTEXT, sealed.subarray(0, i))).toBeNull();
    }
    const others = [
      [bytes('openai'), bytes('response')],
      [bytes('openai'), bytes('response'), bytes('other')],
      // parts do not run into each other
      [bytes('openair'), bytes('esponse'), bytes('shop')],
      [bytes('openai'), bytes('response'), bytes('shop'), bytes('')],
    ];
    for (const context of others) expect(box.open(context, sealed)).toBeNull();
    expect(createSivBox(MATERIAL, 'demo2').open(CONTEXT, sealed)).toBeNull();
    expect(createSivBox(new SecretBytes(new Uint8Array(32)), 'demo').open(CONTEXT, sealed)).toBeNull();
  });

  test('seals any text in any context', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array(), { maxLength: 4 }),
        fc.uint8Array({ minLength: 1 }),
        (context, text) => {
          expect(box.open(context, box.seal(context, text))).toEqual(text);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('the library computes what RFC 5297 A.1 gives', () => {
    const key = hex('fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff');
    const context = hex('10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627');
    const sealed = aessiv(key, context).encrypt(hex('11223344 55667788 99aabbcc ddee'));
    expect(Buffer.from(sealed).toString('hex')).toBe(
      '85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c',
    );
  });
});
