import { Secret, type UpstreamClaim } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { allowWith, arrivalFor, KEY, openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import { createCatalog } from '../providers/catalog.ts';
import { defineProvider } from '../providers/define.ts';
import { CHAT, under } from '../providers/endpoints.ts';
import type { VaultEntry } from './options.ts';
import { createRouting } from './routing.ts';
import { fillRoots } from './variables.ts';

const accounts = defineProvider({
  id: 'accounts',
  name: 'Accounts',
  base: 'https://{region}.api.example/accounts/{account_id}/v1',
  moreRoots: ['/plain'],
  vars: { region: 'eu|us', account_id: '[0-9a-f]{4}' },
  endpoints: [
    ...under(['/accounts/{account_id}/v1'], [CHAT]),
    ...under(['/plain'], [{ ...CHAT, path: '/run' }]),
  ],
  asOf: '2026-11',
  sources: [],
});
const loose = { ...accounts, id: 'loose', vars: { region: '.*', account_id: '.*' } };
const { catalog, problems } = createCatalog([accounts, loose], {
  gateway: { base_url: 'https://gw.example/x', like: 'accounts', roots: ['/x'] },
  moved: { base_url: 'https://gw.example', like: 'accounts' },
});
const VARS = { region: 'eu', account_id: 'ab12' };

function sent(
  rest: string,
  claim: Partial<UpstreamClaim> = { vars: VARS },
  vault: Record<string, VaultEntry> = {},
): string {
  const allow = allowWith({ vault: Object.keys(vault), hosts: ['base.example'] });
  const routing = createRouting({}, { catalog, vault: new Map(Object.entries(vault)), allowOf: () => allow });
  const key = claim.vault === undefined ? { key: new Secret(KEY) } : {};
  const opened = openedWith({ upstream: [{ provider: 'accounts', ...key, ...claim }] });
  const route = routing.route(opened, arrivalFor(rest));
  if (isDenial(route)) return `${route.denied} ${route.param ?? ''}`;
  return `${route.destination.origin}${route.path} ${route.endpoint === null ? 'closed' : 'open'}`;
}

describe('a root with a variable', () => {
  const FILLED = 'https://eu.api.example/accounts/ab12/v1/chat/completions open';

  it('is filled from the token, whether the caller writes the root, its end or nothing', () => {
    expect(problems).toEqual([]);
    for (const rest of ['/accounts/ab12/v1/chat/completions', '/v1/chat/completions', '/chat/completions']) {
      expect(sent(rest)).toBe(FILLED);
    }
    expect(sent('/plain/run')).toBe('https://eu.api.example/plain/run open');
  });

  it('is filled from the vault entry, and then by none of the token', () => {
    const vault = { main: { provider: 'accounts', credential: { key: new Secret(KEY) }, vars: VARS } };
    expect(sent('/v1/chat/completions', { vault: 'main' }, vault)).toBe(FILLED);
    const theirs = { vault: 'main', vars: { region: 'eu', account_id: 'ffff' } };
    expect(sent('/v1/chat/completions', theirs, vault)).toBe('claim_not_allowed upstream.vars');
  });

  it.each([
    '/accounts/ffff/v1/chat/completions',
    '/accounts/{account_id}/v1/chat/completions',
    '/accounts/AB12/v1/chat/completions',
    '/accounts/ab12%2F..%2Fffff/v1/chat/completions',
    '/accounts/ab12/../ffff/v1/chat/completions',
  ])('is never the choice of the caller: %s', (rest) => {
    expect(sent(rest)).toMatch(/ closed$|^bad_target/);
  });

  it.each([
    {},
    { region: 'eu' },
    { ...VARS, account_id: 'AB12' },
    { ...VARS, account_id: 'ab12/x' },
    { ...VARS, other: 'x' },
  ])('without the right values is refused: %j', (vars) => {
    expect(sent('/v1/chat/completions', { vars })).toBe('claim_not_allowed upstream.vars');
  });

  it.each(['a/b', '..', '.', '', 'a%2fb', 'a?b', 'a#b', 'a;b', 'a b', 'ä'])(
    'takes no value that is not one plain segment, whatever its pattern says: %j',
    (account_id) => {
      expect(fillRoots(loose, { region: 'eu', account_id })).toBeNull();
    },
  );

  it('moves with a base, and the variables of the host do not', () => {
    const base = 'https://base.example';
    expect(sent('/v1/chat/completions', { base, vars: VARS })).toBe(
      'https://base.example/accounts/ab12/v1/chat/completions open',
    );
    expect(sent('/v1/chat/completions', { base })).toBe('claim_not_allowed upstream.vars');
    expect(sent('/v1/chat/completions', { base, vars: { account_id: '../..' } })).toBe(
      'claim_not_allowed upstream.vars',
    );
  });

  it('of an entry copied by config wants its own variable alone, and none where the roots are replaced', () => {
    expect(sent('/v1/chat/completions', { provider: 'moved', vars: { account_id: 'ab12' } })).toBe(
      'https://gw.example/accounts/ab12/v1/chat/completions open',
    );
    expect(sent('/chat/completions', { provider: 'gateway' })).toBe(
      'https://gw.example/x/chat/completions open',
    );
  });

  it('is filled once per value, and not without end', () => {
    const filled = fillRoots(accounts, VARS);
    expect(fillRoots(accounts, VARS)).toBe(filled);
    for (let n = 0; n < 300; n += 1) fillRoots(loose, { region: 'eu', account_id: `a${n}` });
    expect(fillRoots(loose, { region: 'eu', account_id: 'a1' })?.roots[0]).toBe('/accounts/a1/v1');
    const plain = { ...accounts, roots: ['/v1'] };
    expect(fillRoots(plain, VARS)).toBe(plain);
  });
});
