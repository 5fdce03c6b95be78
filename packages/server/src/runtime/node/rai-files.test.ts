import { chmodSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRai, type RaiFile } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { createRaiFiles, type RaiLook } from './rai-files.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'relayapi-rai-'));
let ticks = 0;

/** A relay's file for an issuer, as an object that a test may change before it writes it. */
function relayRai(iss: string): any {
  return createRai({ method: 'aes', relay: 'http://127.0.0.1:8840/relayapi/', iss }).relay;
}

/** Writes a file whole, with a time of its own in the past, so that it counts as settled. */
function put(folder: string, name: string, content: unknown, mode = 0o600): void {
  const path = join(folder, name);
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(`${path}.tmp`, text, { mode });
  chmodSync(`${path}.tmp`, mode);
  ticks += 1;
  utimesSync(`${path}.tmp`, 1_700_000_000 + ticks, 1_700_000_000 + ticks);
  renameSync(`${path}.tmp`, path);
}

function reader(path: string, judge: (file: RaiFile) => null = () => null) {
  return createRaiFiles({ path, groupRead: false, judge });
}

const names = (look: RaiLook) => look.files.map(({ name }) => name).sort();
const rejections = (look: RaiLook) =>
  look.rejected.map(({ name, keepsOld, clash }) => [name, keepsOld, clash]);
const issuers = (look: RaiLook) => look.files.map(({ file }) => ('iss' in file ? file.iss : '')).sort();

describe('a folder', () => {
  it('gives every *.rai file in it, hidden and other files aside', async () => {
    const folder = newFolder();
    put(folder, 'a.rai', relayRai('a'));
    put(folder, 'b.rai', relayRai('b'));
    put(folder, '.c.rai', 'junk');
    put(folder, 'notes.txt', 'junk');
    const files = reader(folder);
    const look = await files.look();
    expect(files.folder).toBe(true);
    expect(names(look)).toEqual(['a.rai', 'b.rai']);
    expect(look).toMatchObject({ changed: true, rejected: [] });
  });

  it('does not say that it changed when it did not', async () => {
    const folder = newFolder();
    put(folder, 'a.rai', relayRai('a'));
    const files = reader(folder);
    await files.look();
    expect(await files.look()).toMatchObject({ changed: false, rejected: [], newlyRejected: [] });
  });

  it('takes a file that is added, changed, removed', async () => {
    const folder = newFolder();
    put(folder, 'a.rai', relayRai('a'));
    const files = reader(folder);
    await files.look();
    put(folder, 'b.rai', relayRai('b'));
    let look = await files.look();
    expect([look.changed, names(look)]).toEqual([true, ['a.rai', 'b.rai']]);
    put(folder, 'b.rai', relayRai('b2'));
    look = await files.look();
    expect([look.changed, issuers(look)]).toEqual([true, ['a', 'b2']]);
    rmSync(join(folder, 'a.rai'));
    look = await files.look();
    expect([look.changed, names(look)]).toEqual([true, ['b.rai']]);
  });

  it('that goes away leaves what is loaded, and is taken again when it is back', async () => {
    const folder = newFolder();
    put(folder, 'a.rai', relayRai('a'));
    const files = reader(folder);
    await files.look();
    renameSync(folder, `${folder}-away`);
    const look = await files.look();
    expect([look.changed, names(look), rejections(look)]).toEqual([
      false,
      ['a.rai'],
      [['a.rai', true, false]],
    ]);
    renameSync(`${folder}-away`, folder);
    expect(await files.look()).toMatchObject({ rejected: [] });
  });
});

describe('A10 a bad change', () => {
  const good = relayRai('a');
  const sampleKey = { ...good, keys: [{ ...good.keys[0], k: 'A'.repeat(43) }] };
  it.each([
    ['with a syntax error', '{"rai":2,', 0o600],
    ['that is empty', '', 0o600],
    ['with an unknown member', { ...good, extra: 1 }, 0o600],
    ['with a sample key', sampleKey, 0o600],
    ['with a loose file mode', good, 0o644],
  ])('%s keeps the old set, says so once, and holds up nobody', async (_what, content, mode) => {
    const folder = newFolder();
    put(folder, 'a.rai', good);
    put(folder, 'b.rai', relayRai('b'));
    const files = reader(folder);
    const before = await files.look();
    put(folder, 'a.rai', content, mode);
    const revoking = { ...relayRai('b'), revoke: { iat_before: 0, sub: {}, jti: ['x'.repeat(22)] } };
    put(folder, 'b.rai', revoking);
    const look = await files.look();
    expect(rejections(look)).toEqual([['a.rai', true, false]]);
    expect(look.newlyRejected).toHaveLength(1);
    expect(look.newlyRejected[0]?.problems[0]).toMatchObject({
      path: expect.any(String),
      fix: expect.any(String),
    });
    expect(look.files.find(({ name }) => name === 'a.rai')).toEqual(before.files[0]);
    expect(JSON.stringify(look.files.find(({ name }) => name === 'b.rai'))).toContain('x'.repeat(22));
    expect((await files.look()).newlyRejected).toEqual([]);
    put(folder, 'a.rai', good);
    expect((await files.look()).rejected).toEqual([]);
  });

  it('names the place in the file, and no key', async () => {
    const folder = newFolder();
    put(folder, 'a.rai', { ...good, keys: [{ ...good.keys[0], kid: 'x y' }] });
    const look = await reader(folder).look();
    expect(look.rejected[0]?.problems[0]?.path).toBe('$.keys[0].kid');
    expect(JSON.stringify(look.rejected)).not.toContain(good.keys[0].k);
  });
});

describe('A10 a duplicate key id or issuer', () => {
  it('rejects the file that names what is loaded, alone', async () => {
    const folder = newFolder();
    const first = relayRai('a');
    put(folder, 'm.rai', first);
    const files = reader(folder);
    await files.look();
    put(folder, 'a-comes-first-by-name.rai', { ...relayRai('other'), keys: first.keys });
    put(folder, 'z.rai', relayRai('z'));
    const look = await files.look();
    expect(names(look)).toEqual(['m.rai', 'z.rai']);
    expect(rejections(look)).toEqual([['a-comes-first-by-name.rai', false, true]]);
  });

  it('a change that takes the key id of another keeps the old state of the one that changed', async () => {
    const folder = newFolder();
    const [a, b] = [relayRai('a'), relayRai('b')];
    put(folder, 'a.rai', a);
    put(folder, 'b.rai', b);
    const files = reader(folder);
    await files.look();
    put(folder, 'a.rai', { ...relayRai('a'), keys: b.keys });
    const look = await files.look();
    expect(issuers(look)).toEqual(['a', 'b']);
    expect(rejections(look)).toEqual([['a.rai', true, true]]);
    expect(look.changed).toBe(false);
  });

  it('is over when the other file goes', async () => {
    const folder = newFolder();
    const first = relayRai('a');
    put(folder, 'a.rai', first);
    const files = reader(folder);
    await files.look();
    put(folder, 'b.rai', { ...relayRai('b'), keys: first.keys });
    expect(rejections(await files.look())).toEqual([['b.rai', false, true]]);
    rmSync(join(folder, 'a.rai'));
    const look = await files.look();
    expect([names(look), look.rejected]).toEqual([['b.rai'], []]);
  });

  it('at the first look leaves out the later file alone', async () => {
    const folder = newFolder();
    const first = relayRai('a');
    put(folder, 'a.rai', first);
    put(folder, 'b.rai', { ...relayRai('b'), keys: first.keys });
    put(folder, 'c.rai', relayRai('c'));
    const look = await reader(folder).look();
    expect(names(look)).toEqual(['a.rai', 'c.rai']);
    expect(rejections(look)).toEqual([['b.rai', false, true]]);
  });
});

describe('a file that is being written', () => {
  it('is judged only when it has settled', async () => {
    const folder = newFolder();
    put(folder, 'a.rai', relayRai('a'));
    const files = reader(folder);
    await files.look();
    writeFileSync(join(folder, 'b.rai'), '{"rai":2,', { mode: 0o600 });
    expect(await files.look()).toMatchObject({ rejected: [], changed: false });
    writeFileSync(join(folder, 'b.rai'), JSON.stringify(relayRai('b')), { mode: 0o600 });
    expect(names(await files.look())).toEqual(['a.rai', 'b.rai']);
  });

  it('is judged at once at a start', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'b.rai'), '{"rai":2,', { mode: 0o600 });
    expect((await reader(folder).look()).rejected).toHaveLength(1);
  });
});

describe('a single file', () => {
  it('is read under its own name, and keeps its last good state when it goes', async () => {
    const folder = newFolder();
    put(folder, 'one.rai', relayRai('a'));
    const files = reader(join(folder, 'one.rai'));
    expect(names(await files.look())).toEqual(['one.rai']);
    expect(files.folder).toBe(false);
    rmSync(join(folder, 'one.rai'));
    const look = await files.look();
    expect([names(look), rejections(look)]).toEqual([['one.rai'], [['one.rai', true, false]]]);
    put(folder, 'one.rai', relayRai('b'));
    expect(issuers(await files.look())).toEqual(['b']);
  });

  it('that was never there is a rejection with words', async () => {
    const look = await reader(join(newFolder(), 'none.rai')).look();
    expect(look.files).toEqual([]);
    expect(look.rejected[0]?.problems[0]?.message).toBe('there is no such file');
  });
});

it('a file that may not serve here is rejected with the reason given', async () => {
  const folder = newFolder();
  put(folder, 'a.rai', relayRai('a'));
  const problem = { path: '$.role', message: 'not here', fix: 'elsewhere' };
  const look = await createRaiFiles({ path: folder, groupRead: false, judge: () => problem }).look();
  expect(look.rejected).toEqual([{ name: 'a.rai', problems: [problem], keepsOld: false, clash: false }]);
});

it('looks that come at once wait for one another', async () => {
  const folder = newFolder();
  put(folder, 'a.rai', relayRai('a'));
  const files = reader(folder);
  const looks = await Promise.all([files.look(), files.look(), files.look()]);
  expect(looks.map(({ changed }) => changed)).toEqual([true, false, false]);
});
