import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

const secret = new Secret('sk-demo-not-a-key');

test('only reveal gives the text', () => {
  expect(secret.reveal()).toBe('sk-demo-not-a-key');
  expect(secret.length).toBe(17);
});

test.each([
  ['a template', () => `${secret}`],
  ['String', () => String(secret)],
  ['joining', () => ['key', secret].join(' ')],
  ['JSON', () => JSON.stringify({ secret })],
  ['inspection', () => inspect({ secret }, { depth: 9, showHidden: true })],
  ['an error message', () => new Error(`bad ${secret}`).message],
  ['a spread', () => JSON.stringify({ ...secret })],
  ['its members', () => JSON.stringify(Object.getOwnPropertyNames(secret))],
])('%s shows no byte of it', (_how, show) => {
  expect(show()).not.toContain('demo');
});
