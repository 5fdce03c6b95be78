import { Secret, type UpstreamClaim } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, KEY, lineOf, openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import { createCatalog } from '../providers/catalog.ts';
import { defineProvider } from '../providers/define.ts';
import { CHAT } from '../providers/endpoints.ts';
import type { AuthScheme, Provider } from '../providers/provider.ts';
import { REGISTRY } from '../providers/registry.ts';
import { misfitOf, routeCredential } from './credential.ts';
import type { VaultEntry } from './options.ts';
import { hostAndPort, isBaseAllowed, originOf } from './origin.ts';
import { createRouting } from './routing.ts';

const seed = { name: 'X', endpoints: [CHAT], asOf: '2026-11', sources: [] };
const twoParts = defineProvider({
  ...seed,
  id: 'two',
  base: 'https://{region}.{account}.example.com/v1',
  vars: { region: 'eu|us', account: '[a-z]{1,8}' },
  credentialFields: ['id', 'secret'],
  auth: { kind: 'header', name: 'x-pair', template: '{id}:{secret}' },
});
const open = defineProvider({
  ...seed,
  id: 'open',
  base: 'https://open.example.com',
  auth: { kind: 'none' },
});
const { catalog } = createCatalog([...REGISTRY, twoParts, open]);
const PARTS = { id: new Secret('demo-id'), secret: new Secret('demo-secret') };

function routeOf(claim: UpstreamClaim, vault: Record<string, VaultEntry> = {}) {
  const allowOf = () => allowWith({ vault: Object.keys(vault) });
  const routing = createRouting({}, { catalog, vault: new Map(Object.entries(vault)), allowOf });
  return routing.route(openedWith({ upstream: [claim] }), arrivalFor('/v1/chat/completions'));
}

function originFor(claim: UpstreamClaim, vault?: Record<string, VaultEntry>): string {
  const route = routeOf(claim, vault);
  return isDenial(route) ? `${route.denied} ${route.param}` : route.destination.origin;
}

describe('an origin with variables', () => {
  const key = new Secret(KEY);

  it('is filled in from the token', () => {
    expect(originFor({ provider: 'azure', key, vars: { resource: 'my-shop' } })).toBe(
      'https://my-shop.openai.azure.com',
    );
    expect(originFor({ provider: 'two', credential: PARTS, vars: { region: 'eu', account: 'shop' } })).toBe(
      'https://eu.shop.example.com',
    );
  });

  it.each<[string, Record<string, string> | undefined]>([
    ['none at all', undefined],
    ['a missing one', {}],
    ['another name', { name: 'shop' }],
    ['one too many', { resource: 'shop', region: 'eu' }],
    ['an empty one', { resource: '' }],
    ['a dot', { resource: 'evil.example.com/?' }],
    ['a slash', { resource: 'evil.example/' }],
    ['a fragment', { resource: 'evil.example#' }],
    ['a user name', { resource: 'a@evil' }],
    ['a port', { resource: 'evil:443' }],
    ['a backslash', { resource: 'evil\\' }],
    ['capital letters', { resource: 'Shop' }],
    ['a line break at the end', { resource: 'shop\n' }],
    ['a letter that is not ASCII', { resource: 'shöp' }],
    ['a hyphen at the end', { resource: 'shop-' }],
    ['a name of the prototype', { constructor: 'shop' }],
  ])('refuses %s', (_, vars) => {
    expect(originFor({ provider: 'azure', key, ...(vars && { vars }) })).toBe(
      'claim_not_allowed upstream.vars',
    );
  });

  it('matches a pattern whole, alternatives too', () => {
    for (const region of ['eux', 'xeu', 'us.evil', 'e']) {
      expect(originFor({ provider: 'two', credential: PARTS, vars: { region, account: 'shop' } })).toBe(
        'claim_not_allowed upstream.vars',
      );
    }
  });

  it("A16 takes the vault entry's own, and then none of the token", () => {
    const vault = { main: { provider: 'azure', credential: { key }, vars: { resource: 'ours' } } };
    expect(originFor({ provider: 'azure', vault: 'main' }, vault)).toBe('https://ours.openai.azure.com');
    expect(originFor({ provider: 'azure', vault: 'main', vars: { resource: 'theirs' } }, vault)).toBe(
      'claim_not_allowed upstream.vars',
    );
  });

  it('of a vault entry without any come from nobody: a token would choose the host that gets the key', () => {
    const vault = { main: { provider: 'azure', credential: { key } } };
    for (const vars of [{ resource: 'shop' }, {}, undefined]) {
      const claim = { provider: 'azure', vault: 'main', ...(vars && { vars }) };
      expect(originFor(claim, vault)).toBe('claim_not_allowed upstream.vars');
    }
  });

  it('without a path has / as its root', () => {
    const opened = openedWith({ upstream: [{ provider: 'open', key }] });
    const routing = createRouting({}, { catalog, vault: new Map(), allowOf: () => allowWith() });
    expect(routing.route(opened, arrivalFor(''))).toMatchObject({ root: '', relative: '', path: '/' });
  });

  it('is none when what is filled in is no origin', () => {
    const loose = { ...twoParts, vars: { region: '.*', account: '.*' } };
    expect(originOf(loose, { region: 'a/b', account: 'c' }, null)).toBeNull();
    expect(originOf(loose, { region: 'A', account: 'c' }, null)).toBeNull();
    expect(originOf(loose, { region: 'a', account: 'c' }, null)).toBe('https://a.c.example.com');
  });
});

describe('a host by key', () => {
  const FREE = '11111111-2222-3333-4444-555555555555:fx';

  it("sends DeepL's free keys to the free host, from the token and from the vault", () => {
    expect(originFor({ provider: 'deepl', key: new Secret(FREE) })).toBe('https://api-free.deepl.com');
    expect(originFor({ provider: 'deepl', key: new Secret(FREE.replace(':fx', '')) })).toBe(
      'https://api.deepl.com',
    );
    expect(originFor({ provider: 'deepl', key: new Secret(`${FREE}x`) })).toBe('https://api.deepl.com');
    const vault = { main: { provider: 'deepl', credential: { key: new Secret(FREE) } } };
    expect(originFor({ provider: 'deepl', vault: 'main' }, vault)).toBe('https://api-free.deepl.com');
  });
});

const openai = catalog.find('openai') as Provider;

describe('a credential of several parts', () => {
  it('fills its template, and each part is a secret to look for', () => {
    const route = routeOf({ provider: 'two', credential: PARTS, vars: { region: 'eu', account: 'shop' } });
    if (isDenial(route)) throw new Error(route.denied);
    expect(lineOf(route)).toBe('x-pair: demo-id:demo-secret');
    expect(route.secrets.map((secret) => secret.reveal())).toEqual(['demo-id', 'demo-secret']);
  });

  it.each([
    ['a part missing', { id: new Secret('a') }],
    ['a part too many', { ...PARTS, more: new Secret('c') }],
    ['another part', { id: new Secret('a'), key: new Secret('b') }],
    ['a plain key', { key: new Secret('a') }],
    ['no part', {}],
  ])('is refused with %s', (_, parts) => {
    expect(misfitOf(twoParts, parts)).toMatch(/id, secret/);
  });

  it('is none where the provider takes none, but the key still is one to look for', () => {
    const route = routeOf({ provider: 'open', key: new Secret(KEY) });
    if (isDenial(route)) throw new Error(route.denied);
    expect(route.credential).toBeNull();
    expect(route.secrets.map((secret) => secret.reveal())).toEqual([KEY]);
  });

  it('never becomes a header that could be two', () => {
    const put = (auth: AuthScheme, parts: Record<string, Secret>) =>
      routeCredential(auth, parts, { vars: {}, destinationOf: () => ({ origin: '', allowPrivate: false }) });
    const bearer = { kind: 'header', name: 'authorization', template: 'Bearer {key}' } as const;
    for (const key of ['a\r\nx-evil: 1', 'a\n', 'ä', ' ', 'a\u0000']) {
      expect(() => put(bearer, { key: new Secret(key) })).toThrow('cannot stand in a header');
    }
    expect(() => put(bearer, {})).toThrow('no credential field');
    const plain = { kind: 'header', name: 'x-key', template: '{key}' } as const;
    expect(() => put(plain, { key: new Secret(' a') })).toThrow('cannot stand in a header');
    expect(() => put(plain, { key: new Secret('a ') })).toThrow('cannot stand in a header');
    expect(lineOf({ credential: put(plain, { key: new Secret('a') }) })).toBe('x-key: a');
  });

  it('that is refused is named by its reason, never by a byte of it', () => {
    const reason = misfitOf(catalog.find('openai') as never, { key: new Secret('sk-admin-not-a-key') });
    expect(reason).toContain('admin');
    expect(reason).not.toContain('not-a-key');
    expect(misfitOf(catalog.find('openai') as never, { key: new Secret('sk-demo-sk-admin-') })).toBeNull();
  });

  it('is refused where it is another provider’s, but not at a base URL of one’s own', () => {
    const parts = { key: new Secret('gsk_demo') };
    expect(originFor({ provider: 'openai', ...parts })).toBe('claim_not_allowed upstream.key');
    expect(misfitOf(openai, parts)).toMatch(/Groq \(gsk_…\), but it is given for openai$/);
    expect(misfitOf(openai, parts, true)).toBeNull();
    const override = { openai: { base_url: 'https://gw.example.com/v1', trusted: true } };
    const moved = createCatalog(REGISTRY, override).catalog.find('openai');
    expect(misfitOf(moved as never, parts)).toBeNull();
    expect(misfitOf(moved as never, { key: new Secret('sk-admin-demo') })).toMatch(/admin/);
    const more = { ...openai, refusedKeys: [{ pattern: '^sk-demo-', reason: 'a demo key' }] };
    expect(misfitOf(more, { key: new Secret('sk-demo-not-a-key') })).toBe('the key is a demo key');
  });
});

describe('hosts and ports', () => {
  it('of an origin are written out', () => {
    expect(hostAndPort('https://a.example')).toBe('a.example:443');
    expect(hostAndPort('http://127.0.0.1')).toBe('127.0.0.1:80');
    expect(hostAndPort('http://[::1]:11434')).toBe('[::1]:11434');
  });

  it('in a key file name a host at 443, or a host and its port', () => {
    expect(isBaseAllowed('https://a.example', ['A.Example'])).toBe(true);
    expect(isBaseAllowed('https://a.example', ['a.example:443'])).toBe(true);
    expect(isBaseAllowed('https://a.example:444', ['a.example'])).toBe(false);
    expect(isBaseAllowed('https://a.example', ['a.example:444'])).toBe(false);
    expect(isBaseAllowed('http://a.example', ['a.example', 'a.example:80'])).toBe(false);
    expect(isBaseAllowed('https://a.example', ['*', 'example', '.example', ''])).toBe(false);
  });
});
