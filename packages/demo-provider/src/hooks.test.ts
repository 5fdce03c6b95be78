import { describe, expect, test } from 'vitest';
import { createHooks, type DemoExchange } from './hooks.ts';

const exchange = (name = 'a'): DemoExchange => ({ recorded: { rawTarget: name } }) as unknown as DemoExchange;

describe('hooks', () => {
  test('nothing set, nothing chosen', async () => {
    const hooks = createHooks();
    expect(hooks.isSet()).toBe(false);
    expect(await hooks.choose(exchange())).toEqual({ step: undefined });
  });

  test('the handler comes first and what it leaves goes to the queue, then to the script', async () => {
    const hooks = createHooks();
    hooks.handle = (_request, _response, { recorded }) => recorded.rawTarget === 'mine';
    hooks.script(() => 'scripted');
    hooks.next('queued');
    expect(hooks.isSet()).toBe(true);
    expect(await hooks.choose(exchange('mine'))).toBe('handled');
    expect(await hooks.choose(exchange())).toEqual({ step: 'queued' });
    expect(await hooks.choose(exchange())).toEqual({ step: 'scripted' });
  });

  test('parallel requests take queued steps in the order they came', async () => {
    const hooks = createHooks();
    hooks.next('first', 'second', 'third');
    const chosen = await Promise.all(['a', 'b', 'c', 'd'].map((name) => hooks.choose(exchange(name))));
    expect(chosen).toEqual([{ step: 'first' }, { step: 'second' }, { step: 'third' }, { step: undefined }]);
    expect(hooks.isSet()).toBe(false);
  });

  test('a new script takes the place of the old one and of the queue', async () => {
    const hooks = createHooks();
    hooks.script(['a', 'b']);
    hooks.script(async () => 'c');
    expect(await hooks.choose(exchange())).toEqual({ step: 'c' });
    hooks.script(null);
    expect(hooks.isSet()).toBe(false);
  });

  test('a queue given to script is copied', async () => {
    const hooks = createHooks();
    const steps = ['a', 'b'];
    hooks.script(steps);
    await hooks.choose(exchange());
    expect(steps).toEqual(['a', 'b']);
  });

  test('reset drops all three', () => {
    const hooks = createHooks();
    hooks.handle = () => true;
    hooks.next('a');
    hooks.script(() => 'b');
    hooks.reset();
    expect([hooks.isSet(), hooks.handle]).toEqual([false, null]);
  });
});
