/** Key files are made once and changed whole: modes stay, links stay, a change that breaks off leaves what was there. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createRai } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, readJson, writeRai } from '../test/support/command.ts';
import { changeKeyFiles, createKeyFiles, refuseSystem } from './key-files.ts';
import { refuse } from './outcome.ts';

let dir: string;
beforeEach(() => {
  dir = makeFolder();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;
const fresh = () => createRai({ method: 'aes', relay: 'https://relay.example.com/' }).relay;
const parse = (bytes: Uint8Array | undefined) => JSON.parse(new TextDecoder().decode(bytes)) as object;
const plain = { groupRead: false, waitMs: 0 };

describe('createKeyFiles', () => {
  it('makes files of mode 0600 in a folder that only the owner enters', () => {
    const path = join(dir, 'deep', 'keys', 'a.rai');
    expect(createKeyFiles([{ path, content: { a: 1 } }])).toBeNull();
    expect(modeOf(path)).toBe(0o600);
    expect(modeOf(join(dir, 'deep', 'keys'))).toBe(0o700);
    expect(readFileSync(path, 'utf8')).toBe('{\n  "a": 1\n}\n');
  });

  it('never overwrites, and takes back the half that it made', () => {
    const [a, b] = [join(dir, 'a.rai'), join(dir, 'b.rai')];
    writeFileSync(b, 'precious');
    const refusal = createKeyFiles([
      { path: a, content: {} },
      { path: b, content: {} },
    ]);
    expect(refusal?.problems[0]).toMatchObject({
      source: b,
      message: expect.stringMatching(/never overwritten/),
    });
    expect(existsSync(a)).toBe(false);
    expect(readFileSync(b, 'utf8')).toBe('precious');
  });

  it('does not follow a link that leads nowhere', () => {
    const path = join(dir, 'a.rai');
    symlinkSync(join(dir, 'elsewhere'), path);
    expect(createKeyFiles([{ path, content: {} }])).not.toBeNull();
    expect(existsSync(join(dir, 'elsewhere'))).toBe(false);
  });

  it('says that a part of the path is a file', () => {
    writeFileSync(join(dir, 'file'), '');
    const refusal = createKeyFiles([{ path: join(dir, 'file', 'a.rai'), content: {} }]);
    expect(refusal?.problems).toHaveLength(1);
  });
});

describe('changeKeyFiles', () => {
  it.each([0o600, 0o400])('keeps mode %o and leaves nothing beside the file', async (mode) => {
    const path = writeRai(join(dir, 'a.rai'), fresh(), mode);
    const before = statSync(path).ino;
    expect(
      await changeKeyFiles([path], plain, ([bytes]) => [{ ...parse(bytes), iss: 'changed' }]),
    ).toBeNull();
    expect(readJson(path)['iss']).toBe('changed');
    expect(modeOf(path)).toBe(mode);
    expect(statSync(path).ino).not.toBe(before);
    expect(readdirSync(dir)).toEqual(['a.rai']);
  });

  it('keeps 0640 where group reading is allowed, and refuses it where not', async () => {
    const path = writeRai(join(dir, 'a.rai'), fresh(), 0o640);
    const refusal = await changeKeyFiles([path], plain, () => [{}]);
    expect(refusal?.problems[0]?.fix).toMatch(/chmod 600/);
    expect(
      await changeKeyFiles([path], { ...plain, groupRead: true }, ([bytes]) => [parse(bytes)]),
    ).toBeNull();
    expect(modeOf(path)).toBe(0o640);
  });

  it('does not widen a file that was opened to others in the meantime', async () => {
    const path = writeRai(join(dir, 'a.rai'), fresh());
    await changeKeyFiles([path], plain, ([bytes]) => {
      chmodSync(path, 0o666);
      return [parse(bytes)];
    });
    expect(modeOf(path)).toBe(0o600);
  });

  it('changes the file behind a link and keeps the link', async () => {
    mkdirSync(join(dir, 'real'));
    const real = writeRai(join(dir, 'real', 'a.rai'), fresh());
    const link = join(dir, 'link.rai');
    symlinkSync(real, link);
    expect(await changeKeyFiles([link], plain, () => [{ changed: true }])).toBeNull();
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readJson(real)).toEqual({ changed: true });
  });

  it('a refusal, an empty change and a throw leave the file and its folder as they were', async () => {
    const path = writeRai(join(dir, 'a.rai'), fresh());
    const before = readFileSync(path, 'utf8');
    const refusal = refuse(path, 'no', 'do not');
    expect(await changeKeyFiles([path], plain, () => refusal)).toBe(refusal);
    expect(await changeKeyFiles([path], plain, () => [])).toBeNull();
    await expect(
      changeKeyFiles([path], plain, () => {
        throw new Error('a bug');
      }),
    ).rejects.toThrow('a bug');
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(dir)).toEqual(['a.rai']);
  });

  it('an interrupted write keeps the old file, and says so', async () => {
    const path = writeRai(join(dir, 'a.rai'), fresh());
    const before = readFileSync(path, 'utf8');
    const rename = () => {
      throw Object.assign(new Error('disk'), { code: 'EIO' });
    };
    const refusal = await changeKeyFiles([path], { ...plain, rename }, () => [{ lost: true }]);
    expect(refusal?.problems[0]?.message).toMatch(/EIO/);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(dir)).toEqual(['a.rai']);
  });

  it('of two files the second may fail: the first is whole, the second as it was, the message names both', async () => {
    const [first, second] = [writeRai(join(dir, 'a.rai'), fresh()), writeRai(join(dir, 'b.rai'), fresh())];
    const before = readFileSync(second, 'utf8');
    const rename = (from: string, to: string) => {
      if (to === second) throw Object.assign(new Error('disk'), { code: 'ENOSPC' });
      renameSync(from, to);
    };
    const refusal = await changeKeyFiles([first, second], { ...plain, rename }, () => [{ a: 1 }, { b: 1 }]);
    expect(refusal?.problems[0]).toMatchObject({
      source: second,
      message: 'the disk is full, and is as it was',
    });
    expect(refusal?.problems[0]?.fix).toContain(first);
    expect(readJson(first)).toEqual({ a: 1 });
    expect(readFileSync(second, 'utf8')).toBe(before);
    expect(readdirSync(dir).sort()).toEqual(['a.rai', 'b.rai']);
  });

  it('two changes at once both count', async () => {
    const path = writeRai(join(dir, 'a.rai'), { list: [] });
    const append = (item: number) =>
      changeKeyFiles([path], { groupRead: false }, ([bytes]) => {
        const { list } = parse(bytes) as { list: number[] };
        return [{ list: [...list, item] }];
      });
    expect(await Promise.all([1, 2, 3, 4, 5].map(append))).toEqual([null, null, null, null, null]);
    expect((readJson(path)['list'] as number[]).sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('a draft that was left behind stops the change and is named', async () => {
    const path = writeRai(join(dir, 'a.rai'), fresh());
    const before = readFileSync(path, 'utf8');
    writeFileSync(join(dir, '.a.rai.new'), 'half');
    const refusal = await changeKeyFiles([path], plain, () => [{}]);
    expect(refusal?.problems[0]?.fix).toContain(join(dir, '.a.rai.new'));
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readFileSync(join(dir, '.a.rai.new'), 'utf8')).toBe('half');
  });

  it('the same file twice is refused, a missing one and a folder too', async () => {
    const path = writeRai(join(dir, 'a.rai'), fresh());
    expect(await changeKeyFiles([path, path], plain, () => [{}, {}])).not.toBeNull();
    expect((await changeKeyFiles([join(dir, 'no.rai')], plain, () => [{}]))?.problems[0]?.message).toMatch(
      /no such file/,
    );
    expect(await changeKeyFiles([dir], plain, () => [{}])).not.toBeNull();
    expect(readdirSync(dir)).toEqual(['a.rai']);
  });
});

describe('refuseSystem', () => {
  it.each(['ENOENT', 'EEXIST', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'EROFS', 'ENOSPC'])(
    'has words for %s',
    (code) => {
      const [problem] = refuseSystem('a.rai', Object.assign(new Error('x'), { code })).problems;
      expect(problem?.message).not.toContain(code);
    },
  );

  it('names any other code, and throws a bug on', () => {
    const [problem] = refuseSystem('a.rai', Object.assign(new Error('x'), { code: 'EODD' })).problems;
    expect(problem?.message).toContain('EODD');
    expect(() => refuseSystem('a.rai', new TypeError('bug'))).toThrow('bug');
  });
});
