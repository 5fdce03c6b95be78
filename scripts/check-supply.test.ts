// The supply chain's rules bite, each on a small made-up input, and stay silent on inputs that keep them.
import { describe, expect, test } from 'vitest';
import {
  findInstallScripts,
  findLoosePackages,
  findOddLicences,
  findOwnScripts,
  findWorkflowProblems,
  readLicences,
  renderLicences,
} from './check-supply.ts';

const pin = '3d3c42e5aac5ba805825da76410c181273ba90b1';

describe('the lockfile', () => {
  const lock = (resolution: string) =>
    `lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: ${resolution}\n`;

  test('a package with a SHA-512 checksum passes', () => {
    expect(findLoosePackages(lock('{integrity: sha512-abc==}'))).toEqual([]);
  });

  test.each([
    ['{integrity: sha1-abc=}', 'a@1.0.0 has no checksum'],
    ['{}', 'a@1.0.0 has no checksum'],
    ['{tarball: https://example.com/a.tgz}', 'a@1.0.0 does not come from a registry'],
    [
      '{integrity: sha512-abc==, tarball: https://example.com/a.tgz}',
      'a@1.0.0 does not come from a registry',
    ],
    ['{type: git, repo: https://example.com/a.git, commit: abc}', 'a@1.0.0 does not come from a registry'],
  ])('%s is refused', (resolution, problem) => {
    expect(findLoosePackages(lock(resolution))).toEqual([`pnpm-lock.yaml: ${problem}`]);
  });

  test('an empty one is refused, so that a changed format cannot pass unseen', () => {
    expect(findLoosePackages("lockfileVersion: '10.0'\n")).toEqual(['pnpm-lock.yaml: no packages found']);
  });
});

describe('scripts on install', () => {
  const plain = { name: 'plain', version: '1.0.0', scripts: { test: 'x', build: 'x' } };
  const scripted = { name: 'scripted', version: '1.0.0', scripts: { postinstall: 'node install.js' } };

  test('one that is not named is refused, whether it would be allowed or not', () => {
    expect(findInstallScripts([plain, scripted], {})).toEqual([
      expect.stringContaining('scripted wants to run a script on install'),
    ]);
    expect(findInstallScripts([plain, scripted], { scripted: false })).toEqual([]);
  });

  test('a name that no package needs any more is refused', () => {
    expect(findInstallScripts([plain, scripted], { scripted: true, plain: true })).toEqual([
      expect.stringContaining('allowBuilds names plain'),
    ]);
  });

  test.each(['preinstall', 'install', 'postinstall', 'prepare'])('our packages have no %s', (script) => {
    expect(findOwnScripts([{ name: 'ours', version: '1.0.0', scripts: { [script]: 'x' } }])).toEqual([
      `ours has the script "${script}"`,
    ]);
    expect(findOwnScripts([plain])).toEqual([]);
  });
});

describe('licences', () => {
  const shipped = (licence: string) => [
    { name: 'a', version: '1.0.0', licence, homepage: 'https://example.com' },
  ];

  test.each(['MIT', 'ISC', 'Apache-2.0', 'GPL-3.0 OR MIT', '(MIT OR GPL-3.0)'])('%s passes', (licence) => {
    expect(findOddLicences(shipped(licence))).toEqual([]);
  });

  test.each(['GPL-3.0', 'AGPL-3.0-only', 'MPL-2.0', 'SSPL-1.0', 'Unknown', 'SEE LICENSE IN x'])(
    '%s is refused',
    (licence) => {
      expect(findOddLicences(shipped(licence))).toEqual([`a 1.0.0: the licence ${licence} is not accepted`]);
    },
  );

  test('the page lists each version with its licence, in a steady order', () => {
    const listed = readLicences(
      JSON.stringify({
        MIT: [{ name: 'b', versions: ['1.0.0', '2.0.0'], homepage: 'https://example.com/b' }],
        ISC: [{ name: 'a', versions: ['3.0.0'] }],
      }),
    );
    expect(listed.map(({ name, version, licence }) => `${name} ${version} ${licence}`)).toEqual([
      'a 3.0.0 ISC',
      'b 1.0.0 MIT',
      'b 2.0.0 MIT',
    ]);
    expect(renderLicences(listed)).toContain('| [b](https://example.com/b) | 2.0.0 | MIT |');
    expect(renderLicences(listed)).toContain('| [a](https://www.npmjs.com/package/a) | 3.0.0 | ISC |');
  });
});

describe('workflows', () => {
  const good = `on: [push]
permissions: {}
jobs:
  test:
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@${pin} # v7.0.1
        with:
          persist-credentials: false
      - run: npm test
`;

  test('one that keeps the rules passes', () => {
    expect(findWorkflowProblems('ci.yml', good)).toEqual([]);
  });

  test.each([
    ['a tag instead of a commit', `checkout@${pin} # v7.0.1`, 'checkout@v7', 'not pinned'],
    ['a short commit', pin, pin.slice(0, 12), 'not pinned'],
    ['a pin without its version', ' # v7.0.1', '', 'does not say its version'],
    ['a kept credential', 'persist-credentials: false', 'fetch-depth: 0', 'keeps its credential'],
    ['wide permissions', 'permissions: {}', 'permissions: write-all', 'must stand at the top'],
    ['no permissions', 'permissions: {}\n', '', 'must stand at the top'],
    [
      'a job without its own',
      '    permissions:\n      contents: read\n',
      '',
      'does not list its permissions',
    ],
    ['a job that may all', 'permissions:\n      contents: read', 'permissions: write-all', 'does not list'],
    ['foreign code with our rights', 'on: [push]', 'on: {pull_request_target: {}}', 'foreign code'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the workflow's own syntax
    ['a title in a script', 'npm test', 'echo ${{ github.event.pull_request.title }}', 'into a script'],
  ])('%s is refused', (_, from, to, problem) => {
    expect(good).toContain(from);
    expect(findWorkflowProblems('ci.yml', good.replace(from, to))).toContainEqual(
      expect.stringContaining(problem),
    );
  });
});
