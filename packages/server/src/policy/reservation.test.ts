import type { Allow } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeClaims } from '../../test/support/policy.ts';
import { allowWith } from '../../test/support/route.ts';
import type { Opened } from '../exchange.ts';
import type { ReservationRequest } from '../stores/store.ts';
import { buildReservation, denyRefused } from './reservation.ts';

const openedWith = (more: Parameters<typeof makeClaims>[0]) =>
  ({ claims: makeClaims(more), token: { claimsDigest: 'digest' } }) as unknown as Opened;

const build = (more: Parameters<typeof makeClaims>[0], allow: Partial<Allow> = {}) =>
  buildReservation(openedWith(more), allowWith(allow), null, 30_000);

describe('what a request reserves', () => {
  it('names no limit that neither the token nor its key file sets', () => {
    expect(build({ limits: { concurrency: 1 } })).toStrictEqual({
      issuer: 'shop',
      jti: 'AAAAAAAAAAAAAAAAAAAAAA',
      claimsDigest: 'digest',
      issuedAtSeconds: 1_800_000_000,
      expiresAtSeconds: 1_800_003_600,
      concurrency: 1,
      leaseMs: 30_000,
    });
  });

  it('takes every limit per subject from the key file, for tokens that name one', () => {
    const per_sub: Allow['per_sub'] = { tokens: 3, calls: 50, concurrency: 2, rate: [9, 60] };
    expect(build({ sub: 'user-42' }, { per_sub })?.perSubject).toStrictEqual({
      subject: 'user-42',
      tokens: 3,
      calls: 50,
      concurrency: 2,
      rate: { count: 9, windowMs: 60_000 },
    });
    expect(build({ sub: 'user-42' }, { per_sub: { tokens: 3 } })?.perSubject).toStrictEqual({
      subject: 'user-42',
      tokens: 3,
    });
    expect(build({}, { per_sub })).toBeNull();
    expect(build({ sub: 'user-42' })).toBeNull();
  });
});

describe('what a caller is told', () => {
  const request = (more: Partial<ReservationRequest>) => more as ReservationRequest;

  it('where not even one call may run at a time, that no retry will help', () => {
    const refusal = { refused: 'concurrency' } as const;
    expect(denyRefused(refusal, request({ concurrency: 0 }))).toEqual({
      denied: 'calls_exhausted',
      param: 'limits.concurrency',
    });
    expect(denyRefused(refusal, request({ concurrency: 1 }))).toMatchObject({
      denied: 'concurrency_limited',
    });
    const ofSubject = { ...refusal, perSubject: true } as const;
    const perSubject = (concurrency: number) =>
      request({ concurrency: 5, perSubject: { subject: 'user-42', concurrency } });
    expect(denyRefused(ofSubject, perSubject(0))).toEqual({
      denied: 'calls_exhausted',
      param: 'per_sub.concurrency',
    });
    expect(denyRefused(ofSubject, perSubject(1))).toMatchObject({ denied: 'concurrency_limited' });
  });

  it('when to come again only where the store knows', () => {
    expect(denyRefused({ refused: 'down' }, request({}))).toStrictEqual({ denied: 'store_down' });
    expect(denyRefused({ refused: 'rate', retryAtMs: 0 }, request({}))).toMatchObject({ retryAtMs: 0 });
  });
});
