// What goes into a release, judged on made-up packages; packing the real ones stands in scripts/setup.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  findOtherVersions,
  findPackedProblems,
  formatChecksums,
  type Manifest,
  sortForPublishing,
} from './release-files.ts';

const named = (name: string, dependencies: Record<string, string> = {}): Manifest => ({
  name,
  version: '1.0.0',
  dependencies,
});

describe('the order of publishing', () => {
  test('a package comes behind those it depends on', () => {
    const sorted = sortForPublishing([
      named('cli', { server: '1', token: '1', commander: '^15' }),
      named('server', { token: '1' }),
      named('token', { jose: '^6' }),
    ]);
    expect(sorted.map(({ name }) => name)).toEqual(['token', 'server', 'cli']);
  });

  test('a circle is an error that names it', () => {
    expect(() => sortForPublishing([named('a', { b: '1' }), named('b', { a: '1' })])).toThrow(
      'in a circle: a, b',
    );
  });
});

describe('a packed package', () => {
  const files = [
    'package/package.json',
    'package/LICENSE',
    'package/dist/index.js',
    'package/vectors/open.json',
  ];

  test('of built files and registry ranges passes', () => {
    expect(findPackedProblems(named('a', { jose: '^6.2.17', token: '1.0.0' }), files)).toEqual([]);
  });

  test.each(['workspace:*', 'catalog:', 'link:../token', 'file:../token', 'git+ssh://x', 'https://x/y.tgz'])(
    'the range %s is refused',
    (range) => {
      expect(findPackedProblems(named('a', { b: range }), files)).toEqual([
        expect.stringContaining(`the range ${range} of b`),
      ]);
    },
  );

  test('a script on install is refused', () => {
    expect(findPackedProblems({ ...named('a'), scripts: { postinstall: 'x' } }, files)).toEqual([
      expect.stringContaining('"postinstall"'),
    ]);
  });

  test.each([
    'src/index.ts',
    'default.rai',
    '.env',
    'config.local.json',
    'test/a.test.js',
    'vectors/generate.ts',
  ])('%s is refused', (file) => {
    expect(findPackedProblems(named('a'), [...files, `package/${file}`])).toEqual([
      expect.stringContaining(file),
    ]);
  });
});

test('the checksums are those of sha256sum', () => {
  const bytes = new TextEncoder().encode('abc');
  const sum = createHash('sha256').update('abc').digest('hex');
  expect(formatChecksums(new Map([['a-1.0.0.tgz', bytes]]))).toBe(`${sum}  a-1.0.0.tgz\n`);
});

test('a tag that is not the version of every package is refused with the ones that differ', () => {
  expect(findOtherVersions('v1.0.0', [named('a'), named('b')])).toEqual([]);
  expect(findOtherVersions('v1.0.1', [named('a')])).toEqual(['a is 1.0.0']);
  expect(findOtherVersions('1.0.0', [named('a')])).toEqual(['a is 1.0.0']);
});
