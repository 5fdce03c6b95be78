/** What is said of a body before it is read: whether it must be, whether one belongs there, whether its features can be known. */
import type { Claims } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeArrival, makeClaims, makeEndpoint, makeRoute } from '../../test/support/policy.ts';
import { deny } from '../errors.ts';
import type { FeatureRule, ModelPlace } from '../providers/provider.ts';
import { checkFeaturesKnown, checkNoBody, needsBody } from './body.ts';

const CHAT = makeRoute(makeEndpoint());
const MINI = makeClaims({ models: ['gpt-4o-mini', 'o4-*'] });
const routeWith = (models: readonly ModelPlace[] | null) => makeRoute(makeEndpoint({ models }));

describe('features on an endpoint whose rules are not known', () => {
  const claims = makeClaims({ features: ['n'] });

  it('are refused, since nothing could be checked', () => {
    const unknown = deny('feature_denied', { reason: 'the endpoint lists no features' });
    expect(checkFeaturesKnown(claims, 'POST', makeEndpoint())).toEqual(unknown);
    expect(checkFeaturesKnown(claims, 'POST', null)).toEqual(unknown);
    expect(checkFeaturesKnown(makeClaims({ features: [] }), 'DELETE', null)).toEqual(unknown);
  });

  it('say nothing against known rules, requests without a body, and tokens without the claim', () => {
    expect(checkFeaturesKnown(claims, 'POST', makeEndpoint({ features: [] }))).toBeNull();
    expect(checkFeaturesKnown(claims, 'GET', null)).toBeNull();
    expect(checkFeaturesKnown(claims, 'HEAD', null)).toBeNull();
    expect(checkFeaturesKnown(claims, 'POST', makeEndpoint({ body: 'none' }))).toBeNull();
    expect(checkFeaturesKnown(makeClaims(), 'POST', null)).toBeNull();
  });
});

describe('a body where none belongs', () => {
  const list = makeRoute(makeEndpoint({ method: 'GET', body: 'none', models: [] }));
  const refused = (method: string, claims: Claims, declaredBytes: number | null, route = list) =>
    checkNoBody(claims, makeArrival({ method, declaredBytes }), route)?.denied ?? 'ok';

  it.each([
    ['models', { models: ['a'] }],
    ['set', { set: { model: 'a' } }],
    ['cap', { cap: { n: 1 } }],
    ['features', { features: [] }],
  ] as const)('A31 is refused under %s: nothing looks into it', (_what, claims) => {
    for (const method of ['GET', 'HEAD', 'DELETE'])
      for (const bytes of [1, null])
        expect(refused(method, makeClaims(claims as Partial<Claims>), bytes)).toBe('unsupported_body');
    for (const method of ['GET', 'HEAD'])
      expect(refused(method, makeClaims(claims as Partial<Claims>), 5, makeRoute(null))).toBe(
        'unsupported_body',
      );
  });

  it('A31 is refused under a list of the vault entry', () => {
    expect(refused('GET', makeClaims(), 5, { ...list, vaultModels: ['a'] })).toBe('unsupported_body');
  });

  it('is nothing to a token without such claims, and no body is none', () => {
    expect(refused('GET', makeClaims(), 5)).toBe('ok');
    expect(refused('GET', MINI, 0)).toBe('ok');
    expect(refused('POST', MINI, 5, CHAT)).toBe('ok');
    expect(refused('POST', MINI, 5, makeRoute(null))).toBe('ok');
  });
});

describe('whether a body is needed', () => {
  const features: FeatureRule[] = [{ feature: 'n', at: ['n'], when: 'above-one' }];
  const route = makeRoute(makeEndpoint({ features }));

  it('is so only when a claim asks to look into it', () => {
    expect(needsBody(makeClaims(), route)).toBe(false);
    expect(needsBody(MINI, route)).toBe(true);
    expect(needsBody(makeClaims({ set: { a: 1 } }), route)).toBe(true);
    expect(needsBody(makeClaims({ cap: { n: 1 } }), route)).toBe(true);
    expect(needsBody(makeClaims({ features: [] }), route)).toBe(true);
    expect(needsBody(makeClaims({ features: [] }), CHAT)).toBe(false);
    expect(needsBody(MINI, makeRoute(makeEndpoint({ models: [{ in: 'form', name: 'model' }] })))).toBe(true);
    expect(needsBody(makeClaims(), makeRoute(makeEndpoint(), { vaultModels: [] }))).toBe(true);
  });

  it('is not so where no body place can name a model, or the endpoint takes no body', () => {
    expect(needsBody(MINI, routeWith([{ in: 'path', segment: 'model' }]))).toBe(false);
    expect(needsBody(MINI, routeWith([]))).toBe(false);
    expect(needsBody(MINI, routeWith(null))).toBe(false);
    expect(needsBody(makeClaims({ models: ['x'], features: [] }), makeRoute(null))).toBe(false);
    const list = makeRoute(makeEndpoint({ method: 'GET', path: '/models', body: 'none', models: [] }));
    expect(needsBody(makeClaims({ models: ['x'], set: { a: 1 }, cap: { n: 1 }, features: [] }), list)).toBe(
      false,
    );
  });
});
