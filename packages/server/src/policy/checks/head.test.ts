/** The checks that need a request's head alone: origins, fetch metadata, the nonce header, the declared size. */
import { describe, expect, it } from 'vitest';
import { type ArrivalParts, makeArrival, makeClaims } from '../../../test/support/policy.ts';
import { isDenial } from '../../errors.ts';
import { checkFetchMetadata } from './fetch-metadata.ts';
import { checkOrigin } from './origins.ts';
import { readOnce } from './replay.ts';
import { checkDeclaredSize, maxRequestBytes } from './request-size.ts';

describe('origins', () => {
  const verdict = (origins: readonly string[] | undefined, parts: ArrivalParts, own: string | null = null) =>
    checkOrigin(makeClaims(origins === undefined ? {} : { origins }), makeArrival(parts), own)?.denied ??
    'ok';
  const APP = 'https://app.example.com';

  it('admits everybody without the claim', () => {
    expect(verdict(undefined, { origin: 'https://evil.example' })).toBe('ok');
    expect(verdict(undefined, {})).toBe('ok');
  });

  it.each([
    [APP, 'ok'],
    ['https://app.example.com.evil.example', 'origin_denied'],
    ['https://evil-app.example.com', 'origin_denied'],
    ['https://xapp.example.com', 'origin_denied'],
    ['https://app.example.co', 'origin_denied'],
    ['http://app.example.com', 'origin_denied'],
    ['https://app.example.com:443', 'origin_denied'],
    ['https://app.example.com:8443', 'origin_denied'],
    ['https://app.example.com.', 'origin_denied'],
    ['https://APP.example.com', 'origin_denied'],
    ['https://app.example.com/', 'origin_denied'],
    [' https://app.example.com', 'origin_denied'],
    ['null', 'origin_denied'],
    ['none', 'origin_denied'],
    ['', 'origin_denied'],
    [`${APP}, ${APP}`, 'origin_denied'],
    [`${APP} https://evil.example`, 'origin_denied'],
  ])('A53 listed exactly or not at all: %s', (origin, expected) => {
    expect(verdict([APP], { origin })).toBe(expected);
  });

  it('A53 `null` and `none` are no origins that a caller may claim, whatever the list says', () => {
    expect(verdict(['none', 'null'], { origin: 'null' })).toBe('origin_denied');
    expect(verdict(['none', 'null'], { origin: 'none' })).toBe('origin_denied');
  });

  it('refuses a missing Origin unless the list says none', () => {
    expect(verdict([APP], {})).toBe('origin_denied');
    expect(verdict([APP, 'none'], {})).toBe('ok');
    expect(verdict([], {})).toBe('origin_denied');
  });

  it("takes a missing Origin of a same-origin request for the relay's own origin", () => {
    const headers = ['Host', 'relay.example.com'];
    const own = 'https://relay.example.com';
    expect(verdict([own], { sameOrigin: true, headers })).toBe('ok');
    expect(verdict(['http://relay.example.com'], { sameOrigin: true, headers })).toBe('ok');
    expect(verdict([own], { sameOrigin: false, headers })).toBe('origin_denied');
    expect(verdict([APP], { sameOrigin: true, headers })).toBe('origin_denied');
    expect(verdict([own, 'https://null'], { sameOrigin: true })).toBe('origin_denied');
    expect(verdict([own], { sameOrigin: true, headers: ['Host', 'inner:8840'] }, own)).toBe('ok');
    expect(verdict(['http://inner:8840'], { sameOrigin: true, headers: ['Host', 'inner:8840'] }, own)).toBe(
      'origin_denied',
    );
  });
});

describe('links that nobody meant to open', () => {
  const verdict = (headers: readonly string[], place: 'path' | 'header' = 'path') =>
    checkFetchMetadata(makeArrival({ headers, place }))?.denied ?? 'ok';

  it.each([
    'document',
    'iframe',
    'frame',
    'object',
    'embed',
    'image',
    'script',
    'style',
    'Document',
    ' image ',
  ])('a path token is not for Sec-Fetch-Dest %s', (destination) => {
    expect(verdict(['Sec-Fetch-Dest', destination])).toBe('method_denied');
    expect(verdict(['sec-fetch-dest', destination], 'header')).toBe('ok');
  });

  it.each(['prefetch', 'Prefetch', 'prefetch;prerender', 'prefetch ; anonymous-client-ip'])(
    'nor for Sec-Purpose %s',
    (purpose) => {
      expect(verdict(['Sec-Purpose', purpose])).toBe('method_denied');
    },
  );

  it('names the header that gave it away', () => {
    const refused = (headers: readonly string[]) => checkFetchMetadata(makeArrival({ headers }));
    expect(refused(['Sec-Fetch-Dest', 'image'])).toEqual({
      denied: 'method_denied',
      param: 'sec-fetch-dest',
    });
    expect(refused(['Sec-Purpose', 'prefetch'])).toEqual({ denied: 'method_denied', param: 'sec-purpose' });
  });

  it('is for fetch, for audio and video of a page, and for callers that say nothing', () => {
    expect(verdict([])).toBe('ok');
    for (const destination of ['empty', 'audio', 'video', '']) {
      expect(verdict(['Sec-Fetch-Dest', destination])).toBe('ok');
    }
    expect(verdict(['Sec-Purpose', 'prefetching'])).toBe('ok');
  });
});

describe('replay', () => {
  const read = (replay: 'nonce' | 'idempotency' | undefined, headers: readonly string[]) =>
    readOnce(makeClaims(replay === undefined ? {} : { replay }), makeArrival({ headers }));
  const NONCE = '0123456789abcdef';

  it('reads nothing without the claim', () => {
    expect(read(undefined, ['Relay-Nonce', NONCE])).toBeNull();
  });

  it('reads 16 to 64 characters of Relay-Nonce, or any Idempotency-Key up to 255', () => {
    expect(read('nonce', ['Relay-Nonce', NONCE])).toEqual({ kind: 'nonce', value: NONCE });
    expect(read('nonce', ['relay-nonce', 'x'.repeat(64)])).toMatchObject({ value: 'x'.repeat(64) });
    expect(read('idempotency', ['Idempotency-Key', 'k'])).toEqual({ kind: 'idempotency', value: 'k' });
    expect(read('idempotency', ['Idempotency-Key', 'k'.repeat(255)])).toMatchObject({ kind: 'idempotency' });
  });

  it('reads it among other headers, without the spaces around it', () => {
    expect(read('nonce', ['Accept', '*/*', 'Relay-Nonce', ` ${NONCE}\t`, 'X-Other', 'x'])).toEqual({
      kind: 'nonce',
      value: NONCE,
    });
  });

  it.each([
    ['nonce', []],
    ['nonce', ['Relay-Nonce', NONCE.slice(1)]],
    ['nonce', ['Relay-Nonce', 'x'.repeat(65)]],
    ['nonce', ['Relay-Nonce', 'sixteen chars é!']],
    ['nonce', ['Relay-Nonce', 'with a space in it']],
    ['nonce', ['Relay-Nonce', NONCE, 'relay-nonce', 'fedcba9876543210']],
    ['nonce', ['Idempotency-Key', NONCE]],
    ['idempotency', []],
    ['idempotency', ['Idempotency-Key', '']],
    ['idempotency', ['Idempotency-Key', 'k'.repeat(256)]],
    ['idempotency', ['Idempotency-Key', 'a', 'IDEMPOTENCY-KEY', 'a']],
    ['idempotency', ['Relay-Nonce', NONCE]],
  ] as const)('%s with %j is nonce_missing', (replay, headers) => {
    const result = read(replay, headers);
    expect(isDenial(result) && result.denied).toBe('nonce_missing');
    expect(isDenial(result) && result.param).toBe(replay === 'nonce' ? 'relay-nonce' : 'idempotency-key');
  });
});

describe('declared size', () => {
  it("is bounded by config, lowered by the token's request_bytes, never raised", () => {
    expect(maxRequestBytes(makeClaims(), 1000)).toBe(1000);
    expect(maxRequestBytes(makeClaims({ limits: { request_bytes: 10 } }), 1000)).toBe(10);
    expect(maxRequestBytes(makeClaims({ limits: { request_bytes: 0 } }), 1000)).toBe(0);
    expect(maxRequestBytes(makeClaims({ limits: { request_bytes: 5000 } }), 1000)).toBe(1000);
  });

  it('refuses what is declared too large; what is not declared is counted later', () => {
    expect(checkDeclaredSize(10, 10)).toBeNull();
    expect(checkDeclaredSize(null, 10)).toBeNull();
    expect(checkDeclaredSize(11, 10)).toMatchObject({ denied: 'request_too_large' });
  });
});
