import { encodeUtf8 } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import type { Pointer } from '../pointers.ts';
import { createScanPlan, scanBody } from './body-scan.ts';

const scan = (text: string, models: readonly Pointer[] = [['model']]) =>
  scanBody(encodeUtf8(text), createScanPlan(models, [], []));

describe('what a scan finds', () => {
  it('null names no model, every other value that is no text spoils the list', () => {
    expect(scan('{"model":null}')).toEqual({ models: [], features: [] });
    expect(scan('{"model":"a"}')).toEqual({ models: ['a'], features: [] });
    for (const value of ['true', 'false', '7', '{}', '[]', '["a"]'])
      expect(scan(`{"model":${value}}`)).toEqual({ models: null, features: [] });
  });

  it('says why a body is refused, and no word of the body itself', () => {
    expect(scan('{"Model":"a"}')).toEqual({ denied: 'bad_body', reason: 'a checked name in other letters' });
    const cut = scan('{"secretive":');
    expect(cut).toMatchObject({ denied: 'bad_body', reason: expect.stringMatching(/./) });
    expect(JSON.stringify(cut)).not.toContain('secretive');
  });

  it('lets a bug of its own through instead of blaming the body', () => {
    const plan = createScanPlan([['model']], [], []);
    const isLookalike = () => {
      throw new Error('a bug');
    };
    expect(() => scanBody(encodeUtf8('{"model":"a"}'), { ...plan, guard: { isLookalike } })).toThrow('a bug');
  });
});
