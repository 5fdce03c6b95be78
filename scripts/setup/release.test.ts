// A release packed for real from the built packages: what a user would get, and that packing leaves the tree as it was.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './machine.ts';

const REPOSITORY = 'https://github.com/example/relayapi';
const folder = mkdtempSync(join(tmpdir(), 'relayapi-release-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, ...args: string[]) {
  return spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 27 });
}

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

describe('a release', () => {
  const before = readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8');
  let tarballs: string[] = [];
  beforeAll(() => {
    const packed = run(process.execPath, 'scripts/release-files.ts', 'pack', folder, REPOSITORY);
    expect(packed.stderr).toBe('');
    tarballs = packed.stdout.trim().split('\n');
  });

  test('holds the five packages in the order in which they can be published', () => {
    const names = read('publish-order.txt').trim().split('\n');
    expect(names).toEqual(tarballs);
    expect(names.map((name) => name.replace(/-\d.*$/, ''))).toEqual([
      'relayapi-token',
      'relayapi-demo-provider',
      'relayapi-server',
      'relayapi-sdk',
      'relayapi-cli',
    ]);
  });

  test('leaves the tree as it was', () => {
    expect(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8')).toBe(before);
  });

  test('names the repository in each package, which npm compares with the provenance', () => {
    for (const name of tarballs) {
      const manifest = JSON.parse(run('tar', '-xzOf', join(folder, name), 'package/package.json').stdout);
      expect(manifest.repository.url).toBe(`git+${REPOSITORY}.git`);
    }
  });

  test('carries the licence and no source, test or key file', () => {
    for (const name of tarballs) {
      const files = run('tar', '-tzf', join(folder, name)).stdout.trim().split('\n');
      expect(files).toContain('package/LICENSE');
      expect(
        files.filter((file) => !/^package\/(?:package\.json|LICENSE|README\.md|dist\/|vectors\/)/.test(file)),
      ).toEqual([]);
    }
  });

  test('lists in its bill of materials every package that the licences page lists', () => {
    const bill = JSON.parse(read('sbom.cdx.json'));
    expect(bill.bomFormat).toBe('CycloneDX');
    const listed = new Set<string>(bill.components.map(({ purl }: { purl: string }) => purl));
    const page = readFileSync(join(ROOT, 'docs/licences.md'), 'utf8');
    const shipped = [...page.matchAll(/^\| \[(.+?)\]\(.+?\) \| (.+?) \|/gm)].map(
      ([, name = '', version]) => `pkg:npm/${name.replace('@', '%40')}@${version}`,
    );
    expect(shipped.length).toBeGreaterThan(10);
    expect(shipped.filter((purl) => !listed.has(purl))).toEqual([]);
  });

  test('has checksums that fail when one byte of a package changes', () => {
    const check = () => spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder }).status;
    expect(check()).toBe(0);
    const path = join(folder, tarballs[0] as string);
    const bytes = readFileSync(path);
    const last = bytes.length - 1;
    const changed = Buffer.from(bytes);
    changed[last] = (changed[last] as number) ^ 1;
    writeFileSync(path, changed);
    expect(check()).toBe(1);
    writeFileSync(path, bytes);
    expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(
      read('SHA256SUMS').slice(0, 64),
    );
  });

  test('is not packed over another one', () => {
    const again = run(process.execPath, 'scripts/release-files.ts', 'pack', folder, REPOSITORY);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('is not empty');
  });
});
