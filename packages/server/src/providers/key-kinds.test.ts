/** The token package's table of key kinds and the registry name the same providers: a mint and a relay judge a key alike, whatever name a token uses. */
import { keyKindsOf } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { REGISTRY } from './registry.ts';

const named = REGISTRY.flatMap(({ id, aliases }) => aliases.map((alias) => [id, alias] as const));

describe('key kinds', () => {
  it.each(named)('of %s are found by its other name %s, too', (id, alias) => {
    expect(keyKindsOf(alias)).toEqual(keyKindsOf(id));
  });

  it('are known of those that have a form of their own', () => {
    for (const id of ['openai', 'anthropic', 'google', 'groq', 'openrouter']) {
      expect(keyKindsOf(id).prefixes).not.toEqual([]);
    }
  });
});
