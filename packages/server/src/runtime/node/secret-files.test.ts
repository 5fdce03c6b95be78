import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSecretFile, judgeMode, readSecretFile, secretOf } from './secret-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'relayapi-secret-'));
const STRICT = { groupRead: false };
let serial = 0;

function fileWith(mode: number, text = 'demo'): string {
  serial += 1;
  const path = join(folder, `f${serial}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function messageOf(path: string, options = STRICT): string {
  const read = readSecretFile(path, options);
  return 'problem' in read ? `${read.problem.message}; ${read.problem.fix}` : 'read';
}

describe('a secret file', () => {
  it.each([0o600, 0o400, 0o700])('of mode %o is read', (mode) => {
    const read = readSecretFile(fileWith(mode, 'abc'), STRICT);
    expect('bytes' in read && Buffer.from(read.bytes.reveal()).toString()).toBe('abc');
  });

  it.each([0o644, 0o640, 0o660, 0o604, 0o602, 0o601, 0o666, 0o610])('A10 of mode %o is refused', (mode) => {
    expect(messageOf(fileWith(mode))).toMatch(
      /^others than its owner may use it \(mode 0\d+\); chmod 600 it/,
    );
  });

  it('that the group may read is accepted with -rai-group-read, and that alone', () => {
    expect(messageOf(fileWith(0o640), { groupRead: true })).toBe('read');
    expect(messageOf(fileWith(0o440), { groupRead: true })).toBe('read');
    for (const mode of [0o660, 0o644, 0o650]) {
      expect(messageOf(fileWith(mode), { groupRead: true })).toContain('others than its owner');
    }
  });

  it('is told about -rai-group-read where that would help', () => {
    expect(messageOf(fileWith(0o640))).toContain('-rai-group-read');
    expect(messageOf(fileWith(0o644))).not.toContain('-rai-group-read');
  });

  it('is judged by what a link leads to', () => {
    const link = join(folder, 'link');
    symlinkSync(fileWith(0o644), link);
    expect(messageOf(link)).toContain('mode 0644');
  });

  it.each([
    ['that is not there', join(folder, 'none'), 'there is no such file'],
    ['that is a folder', folder, 'is no regular file'],
    ['below a file', join(fileWith(0o600), 'x'), 'a part of its path is no folder'],
  ])('%s is named as such', (_what, path, message) => expect(messageOf(path)).toContain(message));

  it('that is a pipe is refused and does not hang the start', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('sh', ['-c', `mkfifo -m 600 '${pipe}'`]);
    expect(messageOf(pipe)).toContain('is no regular file');
  });

  it('of more than a megabyte is no key file', () => {
    expect(messageOf(fileWith(0o600, 'x'.repeat(1024 * 1024 + 1)))).toContain('larger than 1 MiB');
  });
});

describe('the owner', () => {
  const mode = 0o100600n;
  it('is the relay’s own user or root, nobody else', () => {
    expect(judgeMode({ mode, uid: 1000n }, 1000, STRICT)).toBeNull();
    expect(judgeMode({ mode, uid: 0n }, 1000, STRICT)).toBeNull();
    expect(judgeMode({ mode, uid: 1001n }, 1000, STRICT)?.message).toBe('belongs to another user');
    expect(judgeMode({ mode, uid: 1001n }, 0, STRICT)?.message).toBe('belongs to another user');
  });

  it('does not matter where the platform has none', () => {
    expect(judgeMode({ mode: 0o100666n, uid: 0n }, null, STRICT)).toBeNull();
  });
});

it('a new secret file has mode 0600 and never takes the place of another', () => {
  const path = join(folder, 'fresh');
  createSecretFile(path, 'x');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(() => createSecretFile(path, 'y')).toThrow(/EEXIST/);
  const dangling = join(folder, 'dangling');
  symlinkSync(join(folder, 'elsewhere'), dangling);
  expect(() => createSecretFile(dangling, 'y')).toThrow(/EEXIST/);
  mkdirSync(join(folder, 'dir'));
  expect(() => createSecretFile(join(folder, 'dir'), 'y')).toThrow();
});

it.each([
  ['demo-key\n', 'demo-key'],
  ['demo-key\r\n', 'demo-key'],
  ['demo-key', 'demo-key'],
  ['', null],
  ['\n', null],
  ['a\nb\n', null],
])('%j holds the secret %j', (text, secret) => expect(secretOf(text)?.reveal() ?? null).toBe(secret));
