import { Secret, type UpstreamClaim } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, KEY, lineOf, openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import type { Arrival, Route } from '../exchange.ts';
import { createCatalog } from '../providers/catalog.ts';
import { demoProvider } from '../providers/entries/demo.ts';
import { REGISTRY } from '../providers/registry.ts';
import type { RoutingOptions, VaultEntry } from './options.ts';
import { createRouting } from './routing.ts';

const DEMO_ORIGIN = 'http://127.0.0.1:8842';
const { catalog } = createCatalog([...REGISTRY, demoProvider(DEMO_ORIGIN)]);

interface Setup {
  readonly options?: RoutingOptions;
  readonly vault?: Record<string, VaultEntry>;
  readonly allow?: Parameters<typeof allowWith>[0] | null;
}

function routeOf(
  claim: Partial<UpstreamClaim>,
  rest: string,
  more: Partial<Arrival> = {},
  setup: Setup = {},
) {
  const routing = createRouting(setup.options ?? {}, {
    catalog,
    vault: new Map(Object.entries(setup.vault ?? {})),
    allowOf: () => (setup.allow === null ? null : allowWith(setup.allow)),
  });
  const credential = claim.vault || claim.credential ? {} : { key: new Secret(KEY) };
  const opened = openedWith({ upstream: [{ provider: 'openai', ...credential, ...claim }] });
  return routing.route(opened, arrivalFor(rest, more));
}

function routed(...args: Parameters<typeof routeOf>): Route {
  const result = routeOf(...args);
  if (isDenial(result)) throw new Error(`denied: ${result.denied} ${result.reason ?? ''}`);
  return result;
}

function refused(...args: Parameters<typeof routeOf>) {
  const result = routeOf(...args);
  if (!isDenial(result)) throw new Error(`routed to ${result.path}`);
  return result;
}

describe('where a request goes', () => {
  it.each([
    ['openai', '/chat/completions', 'https://api.openai.com', '/v1/chat/completions'],
    ['openai', '/v1/chat/completions', 'https://api.openai.com', '/v1/chat/completions'],
    ['openai', '//v1/chat/completions', 'https://api.openai.com', '/v1/chat/completions'],
    ['openai', '/v1/v1/chat/completions', 'https://api.openai.com', '/v1/chat/completions'],
    ['openai', '/v1/responses', 'https://api.openai.com', '/v1/responses'],
    ['anthropic', '/v1/messages', 'https://api.anthropic.com', '/v1/messages'],
    ['anthropic', '/messages', 'https://api.anthropic.com', '/v1/messages'],
    ['anthropic', '/v1/v1/messages', 'https://api.anthropic.com', '/v1/messages'],
    [
      'google',
      '/v1beta/models/gemini-2.5-flash:generateContent',
      'https://generativelanguage.googleapis.com',
      '/v1beta/models/gemini-2.5-flash:generateContent',
    ],
    [
      'google',
      '/v1/models/gemini-2.5-flash:streamGenerateContent',
      'https://generativelanguage.googleapis.com',
      '/v1/models/gemini-2.5-flash:streamGenerateContent',
    ],
    [
      'gemini',
      '/models/gemini-2.5-flash:countTokens',
      'https://generativelanguage.googleapis.com',
      '/v1beta/models/gemini-2.5-flash:countTokens',
    ],
    [
      'googleai',
      '/v1beta/openai/chat/completions',
      'https://generativelanguage.googleapis.com',
      '/v1beta/openai/chat/completions',
    ],
    [
      'google',
      '/openai/chat/completions',
      'https://generativelanguage.googleapis.com',
      '/v1beta/openai/chat/completions',
    ],
    ['demo', '/chat/completions', DEMO_ORIGIN, '/v1/chat/completions'],
    ['demo', '/v1beta/models/demo:generateContent', DEMO_ORIGIN, '/v1beta/models/demo:generateContent'],
    ['demo', '/v1/messages', DEMO_ORIGIN, '/v1/messages'],
  ])('%s %s goes to %s%s and is an inference endpoint', (provider, rest, origin, path) => {
    const route = routed({ provider }, rest);
    expect(route.destination.origin).toBe(origin);
    expect(route.path).toBe(path);
    expect(route.root + route.relative).toBe(path);
    expect(route.endpoint?.kind).toBe('inference');
  });

  it('a path that no row has is routed without an endpoint, for the policy to judge', () => {
    const route = routed({}, '/v1/vector_stores');
    expect(route).toMatchObject({
      endpoint: null,
      root: '/v1',
      relative: '/vector_stores',
      path: '/v1/vector_stores',
    });
  });

  it('the method is part of the row: GET /chat/completions is no inference endpoint', () => {
    expect(routed({}, '/v1/chat/completions', { method: 'GET' }).endpoint).toBeNull();
    expect(routed({}, '/v1/models', { method: 'GET' }).endpoint?.kind).toBe('models');
  });

  it('trailing slash and case are significant', () => {
    expect(routed({}, '/v1/chat/completions/').endpoint).toBeNull();
    expect(routed({}, '/v1/Chat/completions').endpoint).toBeNull();
    expect(routed({}, '/V1/chat/completions')).toMatchObject({
      root: '/v1',
      relative: '/V1/chat/completions',
    });
  });

  it.each([
    ['path', '/v1/../files', null],
    ['encoded slash', '/v1/files/a%2Fb', null],
    ['query', '/v1/files', 'a b'],
  ])('an odd target is refused, and the operator is told: %s', (reason, rest, query) => {
    expect(refused({}, rest, { query })).toMatchObject({ denied: 'bad_target', reason });
  });

  it('nothing after the token is the root itself', () => {
    expect(routed({}, '').path).toBe('/v1');
    expect(routed({}, '/').path).toBe('/v1/');
  });
});

describe('the credential', () => {
  it('is a bearer header for OpenAI, x-api-key for Anthropic, x-goog-api-key for Google', () => {
    expect(lineOf(routed({}, '/v1/responses'))).toBe(`authorization: Bearer ${KEY}`);
    expect(lineOf(routed({ provider: 'anthropic' }, '/v1/messages'))).toBe(`x-api-key: ${KEY}`);
    expect(lineOf(routed({ provider: 'google' }, '/v1/models/m:generateContent'))).toBe(
      `x-goog-api-key: ${KEY}`,
    );
  });

  it('is a bearer header on the OpenAI-compatible paths of Anthropic and Google', () => {
    const bearer = `authorization: Bearer ${KEY}`;
    expect(lineOf(routed({ provider: 'anthropic' }, '/v1/chat/completions'))).toBe(bearer);
    expect(lineOf(routed({ provider: 'google' }, '/v1beta/openai/chat/completions'))).toBe(bearer);
  });

  it('stands among the secrets that must not come back, and prints as nothing', () => {
    const route = routed({}, '/v1/responses');
    expect(route.secrets.map((secret) => secret.reveal())).toEqual([KEY]);
    expect(JSON.stringify(route)).not.toContain(KEY);
  });

  it.each([
    ['openai', 'sk-admin-not-a-key'],
    ['anthropic', 'sk-ant-admin01-not-a-key'],
  ])('%s admin keys are refused', (provider, key) => {
    const denial = refused({ provider, key: new Secret(key) }, '/v1/models');
    expect(denial).toMatchObject({ denied: 'claim_not_allowed', param: 'upstream.key' });
    expect(JSON.stringify(denial)).not.toContain(key);
  });

  it('of several parts is refused where the provider takes a plain key', () => {
    const denial = refused({ credential: { id: new Secret('a'), secret: new Secret('b') } }, '/v1/models');
    expect(denial).toMatchObject({ denied: 'claim_not_allowed', param: 'upstream.credential' });
  });
});

describe('which upstream', () => {
  it('an unknown provider is provider_unknown, and never taken for a URL', () => {
    expect(refused({ provider: 'nowhere' }, '/x').denied).toBe('provider_unknown');
    expect(refused({ provider: 'https://evil.example' }, '/x').denied).toBe('provider_unknown');
    expect(refused({ provider: '__proto__' }, '/x').denied).toBe('provider_unknown');
  });

  it('a list of upstreams is token_unsupported for now, an empty one too', () => {
    const routing = createRouting({}, { catalog, vault: new Map(), allowOf: () => allowWith() });
    const one = { provider: 'openai', key: new Secret(KEY) };
    expect(routing.route(openedWith({ upstream: [one, one] }), arrivalFor('/x'))).toMatchObject({
      denied: 'token_unsupported',
    });
    expect(routing.route(openedWith({ upstream: [] }), arrivalFor('/x'))).toMatchObject({
      denied: 'token_unsupported',
      param: 'upstream',
    });
  });

  it('variables where the host has none are refused', () => {
    expect(refused({ vars: { resource: 'evil' } }, '/v1/models')).toMatchObject({
      denied: 'claim_not_allowed',
      param: 'upstream.vars',
      reason: 'the address of openai takes other variables',
    });
  });

  it('a private place is open only where config lists its host and port', () => {
    const open = { options: { allowPrivate: ['127.0.0.1:8842'] } };
    expect(routed({ provider: 'demo' }, '/v1/messages', {}, open).destination.allowPrivate).toBe(true);
    expect(routed({ provider: 'demo' }, '/v1/messages').destination.allowPrivate).toBe(false);
    expect(routed({}, '/v1/responses', {}, open).destination.allowPrivate).toBe(false);
  });
});

describe('a vault key', () => {
  const vault = {
    main: { provider: 'openai', credential: { key: new Secret(KEY) }, models: ['m'], paths: ['POST /x'] },
  };
  const allow = { vault: ['main', 'gone'] };

  it('is used where the key file lists its name, and brings its own models and paths', () => {
    const route = routed({ vault: 'main' }, '/v1/responses', {}, { vault, allow });
    expect(lineOf(route)).toBe(`authorization: Bearer ${KEY}`);
    expect(route).toMatchObject({ vaultModels: ['m'], vaultPaths: ['POST /x'] });
    expect(route.secrets.map((secret) => secret.reveal())).toEqual([KEY]);
  });

  it.each<[string, Partial<UpstreamClaim>, Setup]>([
    ['not listed in the key file', { vault: 'main' }, { vault, allow: {} }],
    ['whose key file is no longer loaded', { vault: 'main' }, { vault, allow: null }],
    ['not in config', { vault: 'gone' }, { vault, allow }],
    ['of another provider', { vault: 'main', provider: 'anthropic' }, { vault, allow }],
    [
      'with a base of the token',
      { vault: 'main', base: 'https://evil.example' },
      { vault, allow: { ...allow, hosts: ['evil.example'] } },
    ],
  ])('%s is refused', (_, claim, setup) => {
    expect(refused(claim, '/v1/responses', {}, setup).denied).toBe('claim_not_allowed');
  });

  it.each<[string, string, Partial<UpstreamClaim>, Setup]>([
    ['upstream.vault', 'the key file does not list this vault name', { vault: 'main' }, { vault, allow: {} }],
    ['upstream.vault', 'no such vault entry', { vault: 'gone' }, { vault, allow }],
    [
      'upstream.vault',
      'the vault entry belongs to another provider',
      { vault: 'main', provider: 'anthropic' },
      { vault, allow },
    ],
    [
      'upstream.base',
      'a vault key goes to its own host only',
      { vault: 'main', base: 'https://gw.example.com' },
      { vault, allow: { ...allow, hosts: ['gw.example.com'] } },
    ],
    [
      'upstream.vars',
      'the vault entry says where its key goes',
      { vault: 'main', vars: { resource: 'theirs' } },
      { vault: { main: { ...vault.main, vars: { resource: 'ours' } } }, allow },
    ],
  ])('is refused naming %s: %s', (param, reason, claim, setup) => {
    expect(refused(claim, '/v1/responses', {}, setup)).toMatchObject({ param, reason });
  });

  it('of another shape than the provider takes is refused as the vault entry', () => {
    const pair = {
      main: { provider: 'openai', credential: { id: new Secret('a'), secret: new Secret('b') } },
    };
    expect(refused({ vault: 'main' }, '/v1/models', {}, { vault: pair, allow })).toMatchObject({
      denied: 'claim_not_allowed',
      param: 'upstream.vault',
    });
  });

  it('may be named under the provider alias', () => {
    const aliased = { g: { provider: 'gemini', credential: { key: new Secret(KEY) } } };
    const route = routed(
      { vault: 'g', provider: 'google' },
      '/v1/models/m:countTokens',
      {},
      { vault: aliased, allow: { vault: ['g'] } },
    );
    expect(route.provider.id).toBe('google');
  });

  it('without models and paths of its own adds none', () => {
    const plain = { main: { provider: 'openai', credential: { key: new Secret(KEY) } } };
    expect(routed({ vault: 'main' }, '/v1/responses', {}, { vault: plain, allow })).toMatchObject({
      vaultModels: null,
      vaultPaths: null,
    });
  });
});

describe('a base of the token', () => {
  it('is used where the key file lists its host, without trust', () => {
    const route = routed(
      { base: 'https://gw.example.com' },
      '/v1/responses',
      {},
      { allow: { hosts: ['gw.example.com'] } },
    );
    expect(route).toMatchObject({ path: '/v1/responses', trusted: false });
    expect(route.destination.origin).toBe('https://gw.example.com');
    expect(route.endpoint?.kind).toBe('inference');
    expect(routed({}, '/v1/responses').trusted).toBe(true);
  });

  it('moves the roots when its path ends in one, and is the root otherwise', () => {
    const allow = { hosts: ['gw.example.com'] };
    const moved = routed({ base: 'https://gw.example.com/a/v1' }, '/v1/responses', {}, { allow });
    expect(moved).toMatchObject({ root: '/a/v1', path: '/a/v1/responses' });
    const own = routed({ base: 'https://gw.example.com/llm/' }, '/responses', {}, { allow });
    expect(own).toMatchObject({ root: '/llm', path: '/llm/responses' });
    expect(own.endpoint?.path).toBe('/responses');
    const google = routed(
      { provider: 'google', base: 'https://gw.example.com/g/v1beta' },
      '/v1/models/m:countTokens',
      {},
      { allow },
    );
    expect(google).toMatchObject({ path: '/g/v1/models/m:countTokens' });
    expect(google.endpoint?.path).toBe('/models/{model}:countTokens');
  });

  it.each([
    ['a host that is not listed', 'https://evil.example', ['gw.example.com']],
    ['a host that only ends like a listed one', 'https://evilgw.example.com', ['gw.example.com']],
    ['a host below a listed one', 'https://a.gw.example.com', ['gw.example.com']],
    ['plain http', 'http://gw.example.com', ['gw.example.com']],
    ['another port', 'https://gw.example.com:8443', ['gw.example.com']],
    ['a user name', 'https://gw.example.com@evil.example', ['gw.example.com', 'evil.example']],
    ['a listed user name', 'https://u:p@gw.example.com', ['gw.example.com']],
    ['a query', 'https://gw.example.com?x=1', ['gw.example.com']],
    ['a fragment', 'https://gw.example.com#x', ['gw.example.com']],
    ['a backslash', 'https://evil.example\\.gw.example.com', ['gw.example.com', 'evil.example']],
    ['capital letters', 'https://GW.example.com', ['gw.example.com']],
    ['a number that is an address', 'https://2130706433', ['127.0.0.1', '2130706433']],
    ['a short address', 'https://127.1', ['127.0.0.1', '127.1']],
    ['a trailing dot', 'https://gw.example.com.', ['gw.example.com']],
    ['a full-width letter', 'https://ｇw.example.com', ['gw.example.com']],
    ['dot segments', 'https://gw.example.com/a/../b', ['gw.example.com']],
    ['an empty segment', 'https://gw.example.com//b', ['gw.example.com']],
    ['an escape in the path', 'https://gw.example.com/%2e%2e', ['gw.example.com']],
    ['no host at all', 'https://', ['']],
    ['no scheme', 'gw.example.com', ['gw.example.com']],
  ])('with %s is refused', (_, base, hosts) => {
    expect(refused({ base }, '/v1/responses', {}, { allow: { hosts } })).toMatchObject({
      denied: 'claim_not_allowed',
      param: 'upstream.base',
    });
  });

  it('takes a port that the file lists with its host', () => {
    const allow = { hosts: ['gw.example.com:8443', 'other.example.com:443'] };
    const listed = routed({ base: 'https://gw.example.com:8443' }, '/v1/responses', {}, { allow });
    expect(listed.destination.origin).toBe('https://gw.example.com:8443');
    expect(routed({ base: 'https://other.example.com' }, '/v1/responses', {}, { allow }).path).toBe(
      '/v1/responses',
    );
  });

  it('is refused where no address can be checked, and when the key file is gone', () => {
    const allow = { hosts: ['gw.example.com'] };
    const base = 'https://gw.example.com';
    expect(refused({ base }, '/v1/responses', {}, { allow, options: { allowBase: false } }).denied).toBe(
      'claim_not_allowed',
    );
    expect(refused({ base }, '/v1/responses', {}, { allow: null }).denied).toBe('claim_not_allowed');
  });

  it('that is refused says why', () => {
    const base = 'https://gw.example.com';
    const blind = { allow: { hosts: ['gw.example.com'] }, options: { allowBase: false } };
    expect(refused({ base }, '/v1/responses', {}, blind)).toMatchObject({
      param: 'upstream.base',
      reason: 'this runtime cannot check addresses',
    });
    expect(refused({ base }, '/v1/responses', {}, { allow: {} })).toMatchObject({
      param: 'upstream.base',
      reason: 'the key file does not list this host',
    });
  });

  it('may be a private place that config spells in capital letters', () => {
    const open = { allow: { hosts: ['gw.example.com'] }, options: { allowPrivate: ['GW.Example.com:443'] } };
    const route = routed({ base: 'https://gw.example.com' }, '/v1/responses', {}, open);
    expect(route.destination.allowPrivate).toBe(true);
  });
});
