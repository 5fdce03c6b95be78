/** Forms of a credential, where each is put, and what a caller cannot say beside it. */
import { Secret, type UpstreamClaim } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import type { Arrival, Route } from '../exchange.ts';
import { createCatalog } from '../providers/catalog.ts';
import { defineProvider } from '../providers/define.ts';
import { CHAT } from '../providers/endpoints.ts';
import { misfitOf } from './credential.ts';
import { filterQuery } from './query.ts';
import { createRouting } from './routing.ts';

const about = { endpoints: [CHAT], asOf: '2026-11', sources: ['a test'] };
const aws = defineProvider({
  ...about,
  id: 'aws',
  name: 'AWS',
  base: 'https://{kind}.{region}.example.com/v1',
  vars: { kind: '[a-z]+', region: '[a-z0-9-]+' },
  credentialFields: ['access_key_id', 'secret_access_key'],
  optionalFields: ['session_token'],
  auth: { kind: 'signed', by: 'aws-sigv4', service: 'bedrock', region: '{region}' },
  otherCredentials: [
    { fields: ['key'], auth: { kind: 'header', name: 'authorization', template: 'Bearer {key}' } },
  ],
});
const asking = defineProvider({
  ...about,
  id: 'asking',
  name: 'Asking',
  base: 'https://asking.example.com/v1',
  auth: { kind: 'query', pairs: [{ name: 'appid', template: '{key}' }] },
  passQuery: ['appid', 'units', 'v'],
  defaultQuery: [['v', '2']],
  setQuery: [['mode', 'a b']],
});
const { catalog } = createCatalog([aws, asking], {
  aws2: { base_url: 'https://gw.example.com/v1', like: 'aws' },
});

function route(claim: UpstreamClaim, more: Partial<Arrival> = {}): Route | string {
  const allowOf = () => allowWith({ hosts: ['gw.example.com'] });
  const routing = createRouting(
    { allowPrivate: ['tokens.example:443'] },
    { catalog, vault: new Map(), allowOf },
  );
  const found = routing.route(openedWith({ upstream: [claim] }), arrivalFor('/v1/chat/completions', more));
  return isDenial(found) ? `${found.denied} ${found.param}: ${found.reason}` : found;
}
function routed(claim: UpstreamClaim, more: Partial<Arrival> = {}): Route {
  const found = route(claim, more);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const secrets = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, new Secret(`demo-${name}`)]));
const pair = secrets('access_key_id', 'secret_access_key');
const vars = { kind: 'rt', region: 'eu-1' };

describe('a credential with several forms', () => {
  it('is put in by the form whose fields it has', () => {
    const made = routed({ provider: 'aws', credential: pair, vars }).credential;
    expect(made).toMatchObject({ kind: 'made', ingredients: { scheme: aws.auth, vars } });
    const session = { ...pair, ...secrets('session_token') };
    expect(routed({ provider: 'aws', credential: session, vars }).credential?.kind).toBe('made');
    const bearer = routed({ provider: 'aws', key: new Secret('demo-key'), vars }).credential;
    expect(bearer).toMatchObject({ kind: 'header', name: 'authorization' });
  });

  it.each([
    ['one part of two', secrets('access_key_id')],
    ['parts of two forms', { ...pair, ...secrets('key') }],
    ['the optional part alone', secrets('session_token')],
    ['none', {}],
  ])('is refused with %s, and told its forms', (_, parts) => {
    expect(misfitOf(aws, parts)).toBe('aws takes a credential of access_key_id, secret_access_key or of key');
  });

  it('has its token endpoint judged by the same list of private places', () => {
    const { credential } = routed({ provider: 'aws', credential: pair, vars });
    if (credential?.kind !== 'made') throw new Error('not made');
    expect(credential.destinationOf('https://tokens.example').allowPrivate).toBe(true);
    expect(credential.destinationOf('https://tokens.example:444').allowPrivate).toBe(false);
  });
});

describe('variables at another base', () => {
  const base = 'https://gw.example.com';

  it('are those that stand elsewhere than in the host: a signature goes on having its region', () => {
    const moved = routed({ provider: 'aws', credential: pair, vars, base });
    expect(moved.destination.origin).toBe(base);
    expect(moved.vars).toEqual({ region: 'eu-1' });
    expect(routed({ provider: 'aws2', credential: pair, vars: { region: 'eu-1' } }).vars).toEqual({
      region: 'eu-1',
    });
  });

  it.each([{ kind: 'rt' }, { region: 'eu.1' }])(
    'are refused where one of those is missing or does not fit',
    (given) => {
      expect(route({ provider: 'aws', credential: pair, vars: given, base })).toMatch(
        /^claim_not_allowed upstream.vars/,
      );
    },
  );
});

describe('a query that is not the caller’s alone', () => {
  const key = new Secret('demo-id');

  it('has the entry’s pairs, and none by the name of the credential', () => {
    const found = routed({ provider: 'asking', key }, { query: 'units=m&appid=mine&mode=b&v=1' });
    expect(found.path).toBe('/v1/chat/completions?units=m&v=1&mode=a%20b');
    expect(found.query).toEqual([
      ['units', 'm'],
      ['v', '1'],
      ['mode', 'a b'],
    ]);
    expect(routed({ provider: 'asking', key }).path).toBe('/v1/chat/completions?v=2&mode=a%20b');
    expect(found.credential).toMatchObject({ kind: 'query' });
  });

  it('keeps a caller’s bytes as they came, and drops what the entry sets', () => {
    const own = { defaultQuery: [], setQuery: [['mode', 'x']] } as const;
    const filtered = filterQuery('units=%6D&mode=y', ['units', 'mode'], own);
    expect(filtered).toEqual({
      sent: 'units=%6D&mode=x',
      pairs: [
        ['units', 'm'],
        ['mode', 'x'],
      ],
    });
    expect(filterQuery('units=1&units=2', ['units'], own)).toBeNull();
  });
});
