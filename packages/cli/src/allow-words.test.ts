/** Grants in words: the default is narrow and says so, every member is mentioned. */
import { type Allow, createRai, parseRai } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { describeAllow, describeRevoke } from './allow-words.ts';

function allowOf(allow?: object): Allow {
  const { relay } = createRai({
    method: 'aes',
    relay: 'https://relay.example.com/',
    ...(allow && { allow }),
  });
  const file = parseRai(relay);
  if (file.method !== 'aes' || file.role === 'issuer') throw new Error('a relay file was asked for');
  return file.allow;
}

describe('describeAllow', () => {
  it('says what no allow at all means', () => {
    expect(describeAllow(allowOf())).toEqual([
      'every provider of the registry',
      'no keys of the vault',
      'inference endpoints only',
      'tokens live 1 d at most',
    ]);
  });

  it('mentions every member', () => {
    const words = describeAllow(
      allowOf({
        providers: ['openai', 'groq'],
        vault: ['main'],
        hosts: ['llm.example.com'],
        paths: ['GET /files/*'],
        max_ttl_seconds: 5400,
        max_calls: 50,
        require: ['calls', 'origins'],
        features: ['n'],
        per_sub: { calls: 100, rate: [10, 60], concurrency: 2 },
        store_down: true,
      }),
    );
    expect(words).toEqual([
      'providers openai, groq',
      'keys of the vault: main',
      'other hosts by "base": llm.example.com',
      'inference, and on demand GET /files/*',
      'tokens live 1 h 30 min at most',
      '50 calls each at most',
      'must carry calls, origins',
      'body features n',
      'per subject: 100 calls, 10 calls in 1 min, 2 at a time',
      'may stay open when the store is down',
    ]);
  });

  it('tells an empty list from an absent one', () => {
    expect(describeAllow(allowOf({ providers: [] }))[0]).toBe('providers none');
    expect(describeAllow(allowOf({ features: [] }))).toContain('body features none');
    expect(describeAllow(allowOf({ per_sub: {} }))).toContain('per subject: a subject must be named');
  });
});

describe('describeRevoke', () => {
  it('says nothing where nothing was taken back', () => {
    expect(describeRevoke({ iat_before: 0, sub: {}, jti: [] })).toEqual([]);
  });

  it('counts ids, names keys and times', () => {
    expect(
      describeRevoke({
        iat_before: 1_795_176_000,
        sub: { a: 1, b: 2 },
        jti: ['x', 'y', 'z'],
        kid: ['k1', 'k2'],
      }),
    ).toEqual([
      'revoked: all issued before 2026-11-20 12:00:00 UTC',
      'revoked: 3 tokens by id',
      'revoked: older tokens of 2 subjects',
      'revoked: tokens of keys k1, k2',
    ]);
  });
});
