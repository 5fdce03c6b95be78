// The order in which candidates take turns, and what happens when one of them fails.
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Candidate, interleave } from './bench.ts';
import { findStaleSource } from './candidates.ts';

const candidate = (name: string, guest = false): Candidate => ({
  name,
  guest,
  port: 0,
  paths: [],
  headers: {},
  process: null,
});

describe('candidates', () => {
  test('take turns in each round, and none is always first or after the same one', async () => {
    const seen: string[] = [];
    const three = ['a', 'b', 'c'].map((name) => candidate(name));
    await interleave({ rounds: 3, note: () => {} }, three, async ({ name }, round) => {
      seen.push(`${round}${name}`);
    });
    expect(seen.join(' ')).toBe('1a 1b 1c 2b 2c 2a 3c 3a 3b');
  });

  test('a guest that fails is left out of its round with a note, and the others go on', async () => {
    const note = vi.fn();
    const seen: string[] = [];
    const two = [candidate('portkey', true), candidate('relay')];
    await interleave({ rounds: 2, note }, two, async ({ name }, round) => {
      if (name === 'portkey' && round === 1) throw new Error('3 errors in\n 4 requests');
      seen.push(`${round}${name}`);
    });
    expect(seen.sort()).toEqual(['1relay', '2portkey', '2relay']);
    expect(note.mock.calls).toEqual([['portkey was left out of round 1: 3 errors in 4 requests']]);
  });

  test('the relay may not fail', async () => {
    const measure = interleave({ rounds: 1, note: () => {} }, [candidate('relay')], async () => {
      throw new Error('1 errors');
    });
    await expect(measure).rejects.toThrow('1 errors');
  });
});

describe('the build that is measured', () => {
  const root = mkdtempSync(join(tmpdir(), 'relayapi-bench-test-'));
  const put = (path: string, seconds: number) => {
    const file = join(root, 'packages', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
    utimesSync(file, seconds, seconds);
  };
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const build = () => {
    put('server/dist/main.js', 100);
    put('server/src/relay.ts', 99);
    for (const name of ['token', 'demo-provider']) {
      put(`${name}/dist/index.js`, 100);
      put(`${name}/src/index.ts`, 99);
    }
  };

  test('is fresh when no source is newer', () => {
    build();
    expect(findStaleSource(root)).toBeNull();
  });

  test('is stale when one is, a test aside', () => {
    build();
    put('token/src/open.test.ts', 101);
    expect(findStaleSource(root)).toBeNull();
    put('token/src/deep/open.ts', 101);
    expect(findStaleSource(root)).toBe('packages/token/src/deep/open.ts');
  });

  test('is stale when it is missing', () => {
    build();
    rmSync(join(root, 'packages/server/dist/main.js'));
    expect(findStaleSource(root)).toBe('packages/server/src/relay.ts');
  });
});
