import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { revealText, Secret, SecretBytes } from './secret.ts';

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

test('it prints as a mask that says what it is', () => {
  expect([`${secret}`, JSON.stringify({ secret }), inspect({ secret })]).toEqual([
    '[secret]',
    '{"secret":"[secret]"}',
    '{ secret: [secret] }',
  ]);
});

const bytes = new SecretBytes(new TextEncoder().encode('sk-demo-not-a-key'));

test('bytes come back as they went in, and not by any other way', () => {
  expect(bytes.reveal()).toEqual(new TextEncoder().encode('sk-demo-not-a-key'));
  expect(bytes.length).toBe(17);
  expect([`${bytes}`, JSON.stringify({ bytes }), inspect({ bytes }, { depth: 9, showHidden: true })]).toEqual(
    ['[secret]', '{"bytes":"[secret]"}', '{ bytes: [secret] }'],
  );
  expect(JSON.stringify({ ...bytes })).toBe('{}');
});

test('a text and a Secret of it give the same text', () => {
  expect([revealText('demo'), revealText(new Secret('demo'))]).toEqual(['demo', 'demo']);
});

test.each([
  ['structured clones', () => inspect(structuredClone(secret))],
  ['the inspector of an error that holds it', () => inspect(Object.assign(new Error('x'), { secret }))],
  ['own enumeration', () => inspect(secret, { customInspect: false, showHidden: true, getters: true })],
])('%s show no byte of it either', (_how, show) => expect(show()).not.toContain('demo'));
