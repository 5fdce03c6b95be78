import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type SnapshotFile, takeSnapshotFile } from './snapshot-file.ts';

const fresh = () => join(mkdtempSync(join(tmpdir(), 'relayapi-snapshot-')), 'relayapi.state');

function take(path: string): SnapshotFile {
  const taken = takeSnapshotFile(path);
  if ('problem' in taken) throw new Error(taken.problem.message);
  return taken;
}

it('what one run writes the next one reads, once', () => {
  const path = fresh();
  expect(take(path).read()).toBeNull();
  take(path).write('{"counts":1} é');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const next = take(path);
  expect(next.read()).toBe('{"counts":1} é');
  next.discardTaken();
  expect(readdirSync(join(path, '..'))).toEqual([]);
  expect(take(path).read()).toBeNull();
});

it('a crash after taking brings no old counts back', () => {
  const path = fresh();
  take(path).write('old');
  take(path); // and dies here
  expect(take(path).read()).toBeNull();
});

it('a start that fails puts it back for the next one', () => {
  const path = fresh();
  take(path).write('kept');
  take(path).putBack();
  expect(take(path).read()).toBe('kept');
});

it('putting back never overwrites a newer one', () => {
  const path = fresh();
  take(path).write('old');
  const taken = take(path);
  writeFileSync(path, 'newer', { mode: 0o600 });
  taken.putBack();
  expect(readFileSync(path, 'utf8')).toBe('newer');
});

it('a file that others can write is refused, and left where it is', () => {
  const path = fresh();
  take(path).write('x');
  chmodSync(path, 0o666);
  const taken = takeSnapshotFile(path);
  expect('problem' in taken && taken.problem).toMatchObject({
    source: path,
    fix: 'chmod 600 it, or remove it: its counts are then lost',
  });
  expect(existsSync(path)).toBe(true);
});

it('a folder that is not there is a problem of the file when it is written, not a crash when it is read', () => {
  const path = join(fresh(), 'no', 'such');
  expect(take(path).read()).toBeNull();
  expect(() => take(path).write('x')).toThrow(/ENOENT|ENOTDIR/);
});
