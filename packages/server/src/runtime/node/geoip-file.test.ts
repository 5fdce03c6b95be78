import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeCountries } from '../../../test/support/mmdb-writer.ts';
import { type Address, parseAddress } from '../../address.ts';
import { type GeoipFile, openGeoipFile } from './geoip-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'relayapi-geoip-'));
afterAll(() => rmSync(folder, { recursive: true }));

const address = parseAddress('203.0.113.5') as Address;
const fileFor = (code: string) => writeCountries({ '203.0.113.0/24': code });

let files = 0;
function put(content: Buffer | string, mode = 0o644): string {
  files += 1;
  const path = join(folder, `${files}.mmdb`);
  writeFileSync(path, content, { mode });
  return path;
}

function open(path: string): GeoipFile {
  const file = openGeoipFile(path, 'config.json');
  if ('problem' in file) throw new Error(file.problem.message);
  return file;
}

function problemOf(path: string) {
  const file = openGeoipFile(path, 'config.json');
  if (!('problem' in file)) throw new Error('was taken');
  return file.problem;
}

/** A file that is being watched, and what was said of it. */
function watched(path: string) {
  const said: string[] = [];
  const file = open(path);
  file.watch({
    onTaken: ({ built }) => said.push(`taken ${built}`),
    onRejected: ({ message }) => said.push(`rejected: ${message}`),
  });
  return { file, said };
}

describe('a geoip file', () => {
  it('tells the country of an address, whatever its mode', () => {
    for (const mode of [0o644, 0o600, 0o666, 0o444]) {
      const path = put(fileFor('DE'), mode);
      chmodSync(path, mode);
      const file = open(path);
      expect(file.find(address)).toBe('DE');
      expect(file.database).toMatchObject({ type: 'Test-Country', built: '2026-09-21' });
    }
  });

  it('that is not there keeps the relay from starting: field, file and what to do', () => {
    const path = join(folder, 'no.mmdb');
    expect(problemOf(path)).toEqual({
      source: 'config.json',
      path: '$.server.geoip_file',
      message: `names ${path}, which is not there`,
      fix: 'check the name and the working directory',
    });
  });

  it('that is something else does, too', () => {
    mkdirSync(join(folder, 'a-folder'));
    expect(problemOf(join(folder, 'a-folder')).message).toMatch(/which is no regular file$/);
    expect(problemOf(put('')).message).toMatch(/which is empty$/);
    expect(problemOf(put('hello')).message).toMatch(/which is no whole MaxMind DB file/);
    const gzip = problemOf(put(Buffer.from([0x1f, 0x8b, 8])));
    expect(`${gzip.message}; ${gzip.fix}`).toMatch(/which is compressed; unpack it/);
    expect(problemOf(join(put('x'), 'y')).message).toMatch(/no folder/);
  });

  it('is read again when it changes, in place or by another of its name', async () => {
    const path = put(fileFor('DE'));
    const { file, said } = watched(path);
    await file.lookNow();
    expect(said).toEqual([]);
    writeFileSync(path, fileFor('FR'));
    await file.lookNow();
    expect(file.find(address)).toBe('FR');
    renameSync(put(fileFor('AT')), path);
    await file.lookNow();
    expect(file.find(address)).toBe('AT');
    expect(said).toEqual(['taken 2026-09-21', 'taken 2026-09-21']);
    file.stop();
  });

  it('keeps its last good state when the new one is damaged, cut short or gone, and says so once', async () => {
    const path = put(fileFor('DE'));
    const { file, said } = watched(path);
    writeFileSync(path, fileFor('FR').subarray(0, 400));
    for (let look = 0; look < 3; look++) await file.lookNow();
    writeFileSync(path, '');
    await file.lookNow();
    rmSync(path);
    for (let look = 0; look < 3; look++) await file.lookNow();
    expect(file.find(address)).toBe('DE');
    expect(said).toEqual([
      expect.stringMatching(/^rejected: is no whole MaxMind DB file/),
      'rejected: is empty',
      'rejected: there is no such file',
    ]);
    writeFileSync(path, fileFor('FR'));
    await file.lookNow();
    expect(file.find(address)).toBe('FR');
    file.stop();
  });
});

describe('in memory that threads share', () => {
  it('is read alike, at the start and when it changes', async () => {
    const path = put(fileFor('FR'));
    const file = openGeoipFile(path, 'config.json', { shared: true });
    if ('problem' in file) throw new Error(file.problem.message);
    expect(file.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(file.bytes.equals(fileFor('FR'))).toBe(true);
    expect(file.find(address)).toBe('FR');
    const first = file.bytes;
    writeFileSync(`${path}.new`, fileFor('DE'));
    renameSync(`${path}.new`, path);
    await file.lookNow();
    expect(file.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(file.bytes.equals(fileFor('DE'))).toBe(true);
    expect(file.find(address)).toBe('DE');
    expect(first.equals(fileFor('FR'))).toBe(true);
  });

  it('is not where nobody asks for it', () => {
    expect(open(put(fileFor('FR'))).bytes.buffer).not.toBeInstanceOf(SharedArrayBuffer);
  });
});
