import { createSivBox, Secret, SecretBytes } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, KEY, openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import { createCatalog } from '../providers/catalog.ts';
import { REGISTRY } from '../providers/registry.ts';
import { createRouting } from './routing.ts';

const box = createSivBox(new SecretBytes(new Uint8Array(32).fill(1)), 'ids');
const { catalog } = createCatalog(REGISTRY, {
  moved: { base_url: 'https://gw.example/x/v1', like: 'replicate' },
});
const routing = createRouting(
  {},
  {
    catalog,
    vault: new Map(),
    allowOf: () => allowWith(),
    ids: { boxesOf: () => [box], opens: () => false, spells: () => false },
  },
);

/** What becomes of a URL in the answer to a call, and where that leads when it is followed. */
function follow(
  provider: string,
  rest: string,
  url: string,
  method = 'GET',
  tokenPlace: 'path' | 'header' = 'path',
): string | null {
  const opened = openedWith({ upstream: [{ provider, key: new Secret(KEY) }] });
  const made = routing.route(opened, arrivalFor(rest));
  if (isDenial(made)) throw new Error(made.denied);
  const path = made.ids?.relayPath(url, tokenPlace) ?? null;
  if (path === null) return null;
  const [below = '', query = null] = path.split('?');
  const route = routing.route(opened, arrivalFor(below, { method, query }));
  if (isDenial(route)) return route.denied;
  return route.destination.origin + route.path;
}

describe('a URL of the provider’s', () => {
  it.each([
    ['replicate', '/predictions', 'https://api.replicate.com/v1/predictions/p1', 'GET'],
    ['replicate', '/predictions', 'https://api.replicate.com/v1/predictions/p1/cancel', 'POST'],
    ['replicate', '/predictions', 'https://stream.replicate.com/v1/files/f-1', 'GET'],
    ['replicate', '/predictions', 'https://stream-b.svc.ric1.c.replicate.net/v1/streams/s-1', 'GET'],
    ['fal', '/~queue/a/b', 'https://queue.fal.run/a/b/requests/r-1/status', 'GET'],
    ['fal', '/~queue/a/b', 'https://queue.fal.run/w/a/b/requests/r-1', 'GET'],
    ['gladia', '/pre-recorded', 'https://api.gladia.io/v2/pre-recorded/j-1', 'GET'],
    ['bfl', '/flux-dev', 'https://api.us1.bfl.ai/v1/get_result?id=t-1', 'GET'],
  ])('of %s is followed to where it led: %s %s', (provider, rest, url, method) => {
    expect(follow(provider, rest, url, method)).toBe(url);
  });

  it.each([
    'https://replicate.delivery/p/out.png',
    'https://evil.example/v1/predictions/p1',
    'https://api.replicate.com.evil.example/v1/predictions/p1',
    'https://user@api.replicate.com/v1/predictions/p1',
    'https://api.replicate.com:8443/v1/predictions/p1',
    'http://api.replicate.com/v1/predictions/p1',
    'https://api.replicate.com/v2/predictions/p1',
    'https://api.replicate.com/v1/account',
    'https://api.replicate.com/v1/predictions',
    'https://api.replicate.com/v1/../v1/predictions/p1',
    'https://api.replicate.com/v1//predictions/p1',
    'https://api.replicate.com/v1/predictions/p1#x',
    'https://stream.replicate.com/v1/predictions/p1',
    'https://stream.replicate.com/files/f-1',
    'https://api.replicate.com',
    '/v1/predictions/p1',
    'not a url',
    '',
    `https://api.replicate.com/v1/predictions/${'p'.repeat(5000)}`,
  ])('elsewhere stays as it is: %s', (url) => {
    expect(follow('replicate', '/predictions', url)).toBeNull();
  });

  it('whose port is the usual one is the same host', () => {
    const url = 'https://api.replicate.com:443/v1/predictions/p1';
    expect(follow('replicate', '/predictions', url)).toBe('https://api.replicate.com/v1/predictions/p1');
  });

  it('that is asked without a credential is led back where the token stands in the URL alone', () => {
    const stream = 'https://stream.replicate.com/v1/files/f-1';
    expect(follow('replicate', '/predictions', stream, 'GET', 'path')).toBe(stream);
    expect(follow('replicate', '/predictions', stream, 'GET', 'header')).toBeNull();
    const get = 'https://api.replicate.com/v1/predictions/p1';
    expect(follow('replicate', '/predictions', get, 'GET', 'header')).toBe(get);
  });

  it('keeps of its query what a caller may ask, with ids sealed', () => {
    const url = 'https://api.eu.bfl.ai/v1/get_result?key=x&id=t-1&other=1';
    expect(follow('bfl', '/flux-dev', url)).toBe('https://api.eu.bfl.ai/v1/get_result?id=t-1');
  });

  it('at another base than the registry’s is the one host alone', () => {
    const at = 'https://gw.example/x/v1/predictions/p1';
    expect(follow('moved', '/predictions', at)).toBe(at);
    expect(follow('moved', '/predictions', 'https://api.replicate.com/v1/predictions/p1')).toBeNull();
    expect(follow('moved', '/predictions', 'https://stream.replicate.com/v1/files/f')).toBeNull();
    const opened = openedWith({ upstream: [{ provider: 'moved', key: new Secret(KEY) }] });
    const route = routing.route(opened, arrivalFor('/~stream/v1/files/f', { method: 'GET' }));
    expect(isDenial(route) ? route.denied : route.endpoint).toBeNull();
  });
});
