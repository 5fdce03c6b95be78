/**
 * docs/claims.md and docs/spec/token.md say what the code does: names, required claims, support, counts of vectors.
 */
import { readFileSync } from 'node:fs';
import { findUnsupported, parseClaims, RELEASE_FEATURES } from 'relayapi-token';
import { describe, expect, test } from 'vitest';
import { CLAIM_RULES, LIMIT_RULES, REQUIRED_CLAIMS } from '../src/claim-rules.ts';
import { makeClaims } from './support/pairs.ts';
import { openCases, readVectors } from './support/vectors.ts';

const docs = new URL('../../../docs/', import.meta.url);
const claimsPage = readFileSync(new URL('claims.md', docs), 'utf8');
const specPage = readFileSync(new URL('spec/token.md', docs), 'utf8');

/** Rows of the first table under a heading, cells trimmed, backticks of the first cell dropped. */
function tableUnder(page: string, heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading));
  if (section === undefined) throw new Error(`no section ${heading}`);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')),
  );
}

const claims = tableUnder(claimsPage, 'Claims\n');
const limits = tableUnder(claimsPage, '`limits`');

/** A value of each claim or limit that is not supported yet. */
const examples: Record<string, object> = {
  cnf: { cnf: { jkt: 'A'.repeat(43) } },
  tokens: { limits: { tokens: 1 } },
  micro_usd: { limits: { micro_usd: 1 } },
};

function isSupported(extra: object): boolean {
  const parsed = parseClaims(Buffer.from(JSON.stringify(makeClaims(extra))));
  if (parsed === null) throw new Error(`malformed: ${JSON.stringify(extra)}`);
  return findUnsupported(parsed, RELEASE_FEATURES) === null;
}

describe('docs/claims.md', () => {
  test('lists every claim and no other', () => {
    expect(claims.map((row) => row[0]).sort()).toEqual([...Object.keys(CLAIM_RULES), 'limits'].sort());
  });

  test('lists every limit and no other', () => {
    expect(limits.map((row) => row[0]).sort()).toEqual(Object.keys(LIMIT_RULES).sort());
  });

  test('says which claims are required', () => {
    const required = claims.filter((row) => row[1] === 'yes').map((row) => row[0]);
    expect(required.sort()).toEqual([...REQUIRED_CLAIMS].sort());
    expect(claims.every((row) => row[1] === 'yes' || row[1] === 'no')).toBe(true);
  });

  test('says what this release does not support yet', () => {
    const marked = [
      ...claims.filter((row) => row[2] === 'not yet'),
      ...limits.filter((row) => row[1] === 'not yet'),
    ];
    expect(marked.map((row) => row[0]).sort()).toEqual(Object.keys(examples).sort());
    for (const extra of Object.values(examples)) expect(isSupported(extra)).toBe(false);
    expect(isSupported({ ips: 'first' })).toBe(false);
    const supported = {
      sub: 'a',
      nbf: 1,
      models: [],
      paths: [],
      features: [],
      origins: [],
      ips: [],
      set: {},
      cap: {},
      countries: ['DE'],
      meta: 1,
      store_down: 'open',
      replay: 'nonce',
      limits: {
        calls: 1,
        attempts: 1,
        rate: [1, 1],
        concurrency: 1,
        request_bytes: 1,
        response_bytes: 1,
        stream_seconds: 1,
      },
    };
    expect(isSupported(supported)).toBe(true);
    const said = [
      ...claims.filter((row) => row[1] === 'no' && row[2] === 'yes').map((row) => row[0]),
      ...REQUIRED_CLAIMS,
    ];
    expect(said.sort()).toEqual([...Object.keys(supported), ...REQUIRED_CLAIMS].sort());
    expect(
      limits
        .filter((row) => row[1] === 'yes')
        .map((row) => row[0])
        .sort(),
    ).toEqual(Object.keys(supported.limits).sort());
  });

  test('lists every member of upstream and no other', () => {
    const members = tableUnder(claimsPage, '`upstream`').map((row) => row[0]);
    const values: Record<string, unknown> = {
      provider: 'a',
      key: 'k',
      credential: { a: 'b' },
      vault: 'v',
      vars: { a: 'b' },
      base: 'https://a.example/',
    };
    expect(members.sort()).toEqual(Object.keys(values).sort());
    for (const member of Object.keys(values)) {
      const credential = ['key', 'credential', 'vault'].includes(member) ? {} : { key: 'k' };
      const upstream = { provider: 'a', ...credential, [member]: values[member] };
      expect(
        parseClaims(Buffer.from(JSON.stringify(makeClaims({ upstream: upstream as never })))),
        member,
      ).not.toBeNull();
    }
  });
});

describe('docs/spec/token.md', () => {
  test('counts the vectors as they are', () => {
    const counts: Record<string, number> = {};
    for (const c of openCases) counts[c.spec] = (counts[c.spec] ?? 0) + 1;
    const said = Object.fromEntries(
      tableUnder(specPage, '9. Vectors').map(([section, n]) => [section, Number(n)]),
    );
    expect(said).toEqual(counts);
    const rai = readVectors<{ cases: unknown[] }>('rai.json').cases.length;
    expect(specPage).toContain(`\`rai.json\` holds ${rai} cases.`);
  });

  test('has every section that a vector names', () => {
    for (const section of new Set(openCases.map((c) => c.spec.split('.')[0] as string))) {
      expect(specPage).toMatch(new RegExp(`^## ${section}\\. `, 'm'));
    }
  });
});
