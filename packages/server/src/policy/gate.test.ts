import { describe, expect, it } from 'vitest';
import { createGate } from './gate.ts';

/** Work that ends when told to. */
function makeWork() {
  const running: { name: string; end: () => void }[] = [];
  const work = (name: string) => () =>
    new Promise<string>((resolve) => void running.push({ name, end: () => resolve(name) }));
  const settle = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const endNext = async () => {
    running.shift()?.end();
    await settle();
  };
  return { running, work, settle, endNext };
}

describe('the gate', () => {
  it('runs so many, keeps so many waiting in order, turns the rest away', async () => {
    const { running, work, settle, endNext } = makeWork();
    const gate = createGate(2, 2);
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => gate.pass(work(name)));
    await settle();
    expect(running.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await all[4]).toBeNull();
    await endNext();
    expect(running.map(({ name }) => name)).toEqual(['b', 'c']);
    for (let i = 0; i < 3; i++) await endNext();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd', null]);
  });

  it('lets nobody slip in between the end of one and the start of the next', async () => {
    const { running, work, settle, endNext } = makeWork();
    const gate = createGate(1, 1);
    const first = gate.pass(work('a'));
    const second = gate.pass(work('b'));
    running.shift()?.end();
    await first;
    const late = gate.pass(work('late'));
    await settle();
    expect(running.map(({ name }) => name)).toEqual(['b']);
    await endNext();
    await endNext();
    expect(await Promise.all([second, late])).toEqual(['b', 'late']);
  });

  it('takes what goes ahead first, in its own order', async () => {
    const { running, work, settle, endNext } = makeWork();
    const gate = createGate(1, 9);
    for (const name of ['a', 'b', 'c']) void gate.pass(work(name));
    for (const name of ['x', 'y']) void gate.pass(work(name), true);
    const order: string[] = [];
    await settle();
    while (running.length > 0) {
      order.push(...running.map(({ name }) => name));
      await endNext();
    }
    expect(order).toEqual(['a', 'x', 'y', 'b', 'c']);
  });

  it('gives it the last place of the others when all are taken, and never more places', async () => {
    const { work, endNext } = makeWork();
    const gate = createGate(1, 2);
    const others = ['a', 'b', 'c'].map((name) => gate.pass(work(name)));
    const ahead = ['x', 'y', 'z'].map((name) => gate.pass(work(name), true));
    expect(await others[2]).toBeNull();
    expect(await others[1]).toBeNull();
    expect(await ahead[2]).toBeNull();
    for (let i = 0; i < 3; i++) await endNext();
    expect(await Promise.all([...others, ...ahead])).toEqual(['a', null, null, 'x', 'y', null]);
  });

  it('frees its place when the work fails', async () => {
    const gate = createGate(1, 0);
    await expect(gate.pass(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
    expect(await gate.pass(async () => 'next')).toBe('next');
  });
});
