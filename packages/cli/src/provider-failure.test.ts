/** A failed test call in words: what loopback cannot show, and that every failure comes with something to do. */
import { describe, expect, it } from 'vitest';
import { explainAnswer, type Failure, type Tried } from './provider-failure.ts';

const tried: Tried = {
  provider: 'groq',
  origin: 'https://api.groq.com',
  probe: { method: 'POST', path: '/openai/v1/chat/completions', body: '{}', kind: 'chat' },
  model: 'm',
  looksRight: true,
  said: '',
};

type Answer = Parameters<typeof explainAnswer>[0];
const nothing: Answer = {
  status: 502,
  body: new Uint8Array(),
  origin: null,
  upstreamStatus: null,
  denied: null,
  param: null,
  reason: null,
  broken: false,
};

function explain(answer: Partial<Answer>, more: Partial<Tried> = {}): Failure | null {
  return explainAnswer({ ...nothing, ...answer }, { ...tried, ...more });
}

describe('a connection that fails', () => {
  it.each([
    ['ENOTFOUND', 'dns', /the name api\.groq\.com was not found/],
    ['EAI_AGAIN', 'dns', /or no name server answered/],
    ['no address', 'dns', /was not found/],
    ['ECONNREFUSED', 'connection', /refuses connections/],
    ['ETIMEDOUT', 'timeout', /no connection to/],
    ['ENETUNREACH', 'timeout', /no connection to/],
    ['ECONNRESET', 'connection', /broke \(ECONNRESET\)/],
    ['tls CERT_HAS_EXPIRED', 'tls', /has expired/],
    ['tls ERR_TLS_CERT_ALTNAME_INVALID', 'tls', /for another name/],
    ['tls UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls', /authority that this machine does not know/],
    ['tls EPROTO', 'tls', /no TLS with https:\/\/api\.groq\.com \(EPROTO\)/],
  ])('with %s is a fault of kind %s', (reason, kind, message) => {
    const failure = explain({ denied: 'upstream_unreachable', reason });
    expect(failure).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(failure?.fix).not.toBe('');
  });
});

describe('a credential that is made', () => {
  it.each([
    ['upstream_auth', 'the token endpoint answered 401', 'key', /no token for groq/],
    ['upstream_auth', 'the private key is no PKCS #8 key', 'key', /could be made: the private key/],
    ['upstream_unreachable', 'the token endpoint answered 503', 'provider', /token endpoint answered 503/],
    [
      'upstream_unreachable',
      'token endpoint: unreachable',
      'connection',
      /its token endpoint was unreachable/,
    ],
    ['upstream_unreachable', 'the token endpoint was silent', 'timeout', /was silent/],
    ['upstream_invalid', 'the token endpoint named no token', 'answer', /named no token/],
  ] as const)('and fails with %s, %s, is a fault of kind %s', (denied, reason, kind, message) => {
    expect(explain({ denied, reason })).toMatchObject({ kind, message: expect.stringMatching(message) });
  });
});

describe('a key that is refused', () => {
  it('is compared with what keys of this provider begin with, where it begins otherwise', () => {
    expect(explain({ upstreamStatus: 401 }, { looksRight: false })?.fix).toMatch(
      /^keys of groq begin with gsk_, and this one does not/,
    );
    for (const looksRight of [true, null]) {
      expect(explain({ upstreamStatus: 401 }, { looksRight })?.fix).toMatch(/^check that the key is whole/);
    }
  });
});

it.each([
  ['API key not valid. Please pass a valid API key.', 'key'],
  ['Incorrect API key provided: [key]', 'key'],
  ['max_tokens must be at least 16', 'model'],
])('a request turned down with “%s” is a fault of kind %s', (said, kind) => {
  expect(explain({ upstreamStatus: 400 }, { said })?.kind).toBe(kind);
});

it('a refusal of the relay’s own names code, part and reason', () => {
  const refusal = { denied: 'claim_not_allowed', param: 'upstream.vars', reason: 'other variables' } as const;
  expect(explain(refusal)).toMatchObject({
    kind: 'relay',
    message: 'a relay refuses this call: claim_not_allowed (upstream.vars), other variables',
  });
  expect(explain({})).toMatchObject({ kind: 'relay' });
});

it('an answer is good when it is JSON and whole; one to an empty request need not be', () => {
  const body = new TextEncoder().encode('{"a":1}');
  expect(explain({ upstreamStatus: 200, body })).toBeNull();
  expect(explain({ upstreamStatus: 200, body, broken: true })?.kind).toBe('answer');
  for (const text of ['', '5', '{', '<html>']) {
    const odd = { upstreamStatus: 200, body: new TextEncoder().encode(text) };
    expect(explain(odd)?.kind).toBe('answer');
    expect(explain(odd, { probe: { ...tried.probe, kind: 'empty' } })).toBeNull();
  }
  expect(explain({ upstreamStatus: 422 }, { probe: { ...tried.probe, kind: 'empty' } })).toBeNull();
  expect(explain({ upstreamStatus: 418 })?.kind).toBe('request');
  expect(explain({ upstreamStatus: 400 }, { model: null })).toMatchObject({
    kind: 'request',
    fix: expect.stringContaining('--model'),
  });
});
