/** Rotation: new key in, old to accept with an end, in both files or in none. Time is passed in. */
import { readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RelayAPIClient } from 'relayapi-sdk';
import { createKeyring, createRai, openToken, parseRai } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, readJson, writeRai } from '../test/support/command.ts';
import { type RotateCommand, rotate } from './rotate.ts';

const RELAY = 'https://relay.example.com/relayapi/';
const DAY = 86_400;
const now = Math.floor(Date.now() / 1000);

let dir: string;
let relay: string;
let issuer: string;
beforeEach(() => {
  dir = makeFolder();
  relay = join(dir, 'relay.rai');
  issuer = join(dir, 'issuer.rai');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function makePair(method: 'aes' | 'ecc', allow: object = { max_ttl_seconds: 3600 }): void {
  const pair = createRai({ method, relay: RELAY, iss: 'shop', allow });
  writeRai(relay, pair.relay);
  writeRai(issuer, pair.issuer);
}

const command = (over: Partial<RotateCommand> = {}): RotateCommand => ({
  files: [relay, issuer],
  groupRead: false,
  now,
  ...over,
});

const mintWith = (path: string) => new RelayAPIClient(path).generateToken({ apiKey: 'sk-demo-not-a-key' });

async function opens(token: string, at = now): Promise<boolean> {
  const { keyring } = await createKeyring([{ name: 'r', file: parseRai(readJson(relay)) }], {
    generation: 1,
  });
  return (await openToken(token, keyring, { now: at })) !== null;
}

describe.each(['aes', 'ecc'] as const)('a pair of method %s', (method) => {
  it('A9 old and new key are valid together, the old is refused after its end', async () => {
    makePair(method);
    const old = mintWith(issuer);
    expect((await rotate(command())).kind).toBe('done');
    const fresh = mintWith(issuer);
    expect(await opens(old)).toBe(true);
    expect(await opens(fresh)).toBe(true);
    const end = now + 3600 + DAY;
    expect(await opens(old, end - 1)).toBe(true);
    expect(await opens(old, end)).toBe(false);
    expect(await opens(fresh, end)).toBe(true);
  });

  it('takes the files in any order, and keeps mode 0600 on both', async () => {
    makePair(method);
    const outcome = await rotate(command({ files: [issuer, relay] }));
    expect(outcome).toMatchObject({ kind: 'done', data: { files: { relay, issuer } } });
    for (const path of [relay, issuer]) expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('grace shortens the time that issuers get', async () => {
    makePair(method);
    const old = mintWith(issuer);
    await rotate(command({ graceSeconds: 0 }));
    expect(await opens(old, now + 3599)).toBe(true);
    expect(await opens(old, now + 3600)).toBe(false);
  });

  it('rotating twice keeps both old keys, and drops those past their end', async () => {
    makePair(method);
    const first = mintWith(issuer);
    await rotate(command());
    const second = mintWith(issuer);
    await rotate(command({ now: now + 60 }));
    expect(await opens(first)).toBe(true);
    expect(await opens(second)).toBe(true);
    expect(await opens(mintWith(issuer))).toBe(true);
    await rotate(command({ now: now + 30 * DAY }));
    expect((readJson(relay)['keys'] as unknown[]).length).toBe(2);
  });

  it('nothing is lost when the second file cannot be replaced: the old issuer file still mints for the new relay file', async () => {
    makePair(method);
    const before = readFileSync(issuer, 'utf8');
    const outcome = await rotate(
      command({
        rename(from, to) {
          if (to === issuer) throw Object.assign(new Error('disk'), { code: 'EIO' });
          renameSync(from, to);
        },
      }),
    );
    expect(outcome.kind).toBe('refused');
    expect(readFileSync(issuer, 'utf8')).toBe(before);
    expect(await opens(mintWith(issuer))).toBe(true);
    expect((await rotate(command())).kind).toBe('done');
    expect(await opens(mintWith(issuer))).toBe(true);
  });

  it('nothing happens when the first cannot be replaced', async () => {
    makePair(method);
    const before = [readFileSync(relay, 'utf8'), readFileSync(issuer, 'utf8')];
    const outcome = await rotate(
      command({
        rename() {
          throw Object.assign(new Error('disk'), { code: 'EIO' });
        },
      }),
    );
    expect(outcome.kind).toBe('refused');
    expect([readFileSync(relay, 'utf8'), readFileSync(issuer, 'utf8')]).toEqual(before);
  });

  it('says which files go where, in order', async () => {
    makePair(method);
    const outcome = await rotate(command());
    if (outcome.kind !== 'done') throw new Error('rotation was refused');
    const words = outcome.notes.join('\n');
    expect(words.indexOf(relay)).toBeLessThan(words.indexOf(issuer));
    expect(outcome.text).toMatch(/active\n/);
    expect(outcome.text).toMatch(/accept until \d{4}-/);
  });
});

describe('other files', () => {
  it('a shared file rotates alone', async () => {
    const path = writeRai(relay, createRai({ method: 'aes', relay: RELAY, role: 'shared' }).shared);
    const old = mintWith(path);
    expect(await rotate(command({ files: [path] }))).toMatchObject({
      kind: 'done',
      data: { files: { shared: path } },
    });
    expect(await opens(old)).toBe(true);
    expect(await opens(mintWith(path))).toBe(true);
    expect(readJson(path)['use']).not.toBe((readJson(path)['keys'] as { kid: string }[])[1]?.kid);
  });

  it.each([
    ['enc', 2, 1],
    ['sig', 1, 2],
    ['both', 2, 2],
  ] as const)('ecc with keys %s gives %i encryption and %i signing keys', async (keys, enc, sig) => {
    makePair('ecc');
    await rotate(command({ keys }));
    const file = readJson(relay) as { keys: unknown[]; issuers: { keys: unknown[] }[] };
    expect(file.keys).toHaveLength(enc);
    expect(file.issuers[0]?.keys).toHaveLength(sig);
    expect(await opens(mintWith(issuer))).toBe(true);
  });

  it('other issuers of an ecc relay are thought of', async () => {
    makePair('ecc');
    const other = createRai({ method: 'ecc', relay: RELAY, iss: 'blog' });
    const file = readJson(relay) as { issuers: unknown[] };
    file.issuers.push(...(other.relay as { issuers: unknown[] }).issuers);
    writeRai(relay, file);
    const outcome = await rotate(command());
    expect(outcome.kind === 'done' && outcome.notes.some((note) => /Other issuers/.test(note))).toBe(true);
  });

  it('--keys is refused for aes, a relay file alone, two relay files and three files too', async () => {
    makePair('aes');
    expect((await rotate(command({ keys: 'enc' }))).kind).toBe('misused');
    for (const files of [[relay], [issuer], [relay, relay], [relay, issuer, issuer], []]) {
      expect((await rotate(command({ files }))).kind).toBe('misused');
    }
  });

  it('files of two different pairs are refused and left alone', async () => {
    makePair('aes');
    writeRai(issuer, createRai({ method: 'aes', relay: RELAY, iss: 'blog' }).issuer);
    const before = readFileSync(relay, 'utf8');
    const outcome = await rotate(command());
    expect(outcome).toMatchObject({
      kind: 'refused',
      problems: [{ message: expect.stringMatching(/different issuers/) }],
    });
    expect(readFileSync(relay, 'utf8')).toBe(before);
  });

  it('a version 1 file is sent to upgrade', async () => {
    const key = Array.from({ length: 32 }, (_, i) =>
      ((i * 73 + 11) % 256).toString(16).padStart(2, '0'),
    ).join('');
    writeRai(relay, {
      crypto: {
        method: 'aes',
        aes_key: key.slice(0, 30) + key.slice(30).split('').reverse().join(''),
        aes_iv_seed: 'x',
      },
    });
    const outcome = await rotate(command({ files: [relay] }));
    expect(outcome).toMatchObject({ kind: 'refused', problems: [{ fix: expect.stringMatching(/upgrade/) }] });
  });

  it('a missing file and one that others may read are refused', async () => {
    makePair('aes');
    expect((await rotate(command({ files: [relay, join(dir, 'no.rai')] }))).kind).toBe('refused');
    writeRai(issuer, readJson(issuer), 0o644);
    expect(await rotate(command())).toMatchObject({
      problems: [{ source: issuer, fix: `chmod 600 ${issuer}` }],
    });
  });
});
