import { describe, expect, it } from 'vitest';
import { isOwnedHeader, reachesOwnedHeader } from './owned-headers.ts';

describe('headers that are the relay’s own', () => {
  it.each([
    'authorization',
    'x-api-key',
    'cookie',
    'host',
    'via',
    'x-forwarded-for',
    'sec-fetch-site',
    'relay-nonce',
  ])('%s is one, and a rule that reaches it is told', (name) => {
    expect(isOwnedHeader(name)).toBe(true);
    expect(reachesOwnedHeader(name)).toBe(true);
    expect(reachesOwnedHeader(`${name.slice(0, 2)}*`)).toBe(true);
  });

  it('a wildcard below one of their prefixes, and one that covers all, are told', () => {
    for (const rule of ['x-forwarded-proto-*', 'sec-*', 's*', '*', 'x-*', 'x-amz-*']) {
      expect([rule, reachesOwnedHeader(rule)]).toEqual([rule, true]);
    }
  });

  it.each(['anthropic-version', 'x-goog-upload-command', 'prefer', 'x-apikey', 'x-runway-*', 'secx'])(
    '%s is an entry’s to open',
    (rule) => {
      expect(reachesOwnedHeader(rule)).toBe(false);
    },
  );
});
