/** Keys come from a variable or from standard input, and are repeated in no message. */
import { inspect } from 'node:util';
import { Secret } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { readKeyFromStdin, readParts, readVariable } from './key-source.ts';
import type { Misused } from './outcome.ts';
import type { Terminal } from './terminal.ts';

const KEY = 'sk-demo-not-a-key';

function input(stdin: string | null, stdinIsTerminal = false): Terminal {
  return {
    stdout: () => {},
    stderr: () => {},
    env: {},
    stdinIsTerminal,
    readStdin: () => Promise.resolve(stdin),
    async *stdinBytes() {},
    now: () => 0,
  };
}

function revealed(value: Secret | Misused): string {
  if (!(value instanceof Secret)) throw new Error(value.message);
  return value.reveal();
}

describe('readVariable', () => {
  it('reads the variable that is named', () => {
    expect(revealed(readVariable('--api-key-env', 'MY_KEY', { MY_KEY: KEY }))).toBe(KEY);
    expect(revealed(readVariable('--api-key-env', 'MY_KEY', { MY_KEY: `${KEY}\n` }))).toBe(KEY);
  });

  it.each([
    ['a key in place of a name', KEY],
    ['a key that could be a name', 'gsk_notakeybutlong0123456789'],
    ['a text with a dollar', '$OPENAI_API_KEY'],
    ['nothing', ''],
    ['a number', 5],
  ])('%s is refused without being repeated', (_name, given) => {
    const refusal = readVariable('--api-key-env', given, {}) as Misused;
    expect(refusal.kind).toBe('misused');
    expect(refusal.message).toContain('--api-key-env');
    if (given !== '' && given !== '$OPENAI_API_KEY') expect(refusal.message).not.toContain(String(given));
  });

  it.each([undefined, ''])('a variable that is %j is not set', (value) => {
    expect((readVariable('--api-key-env', 'MY_KEY', { MY_KEY: value }) as Misused).message).toMatch(
      /not set/,
    );
  });

  it('a value of several lines is refused', () => {
    const refusal = readVariable('--api-key-env', 'MY_KEY', { MY_KEY: `${KEY}\nmore` }) as Misused;
    expect(refusal.message).toMatch(/more than one line/);
    expect(refusal.message).not.toContain(KEY);
  });
});

it('a private key may have lines, as PEM has', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  expect(revealed(readVariable('--credential-env', 'PEM', { PEM: pem }))).toBe(pem.trimEnd());
});

describe('readKeyFromStdin', () => {
  it.each([KEY, `${KEY}\n`, `${KEY}\r\n`])('reads %j', async (text) => {
    expect(revealed(await readKeyFromStdin(input(text)))).toBe(KEY);
  });

  it('refuses a terminal in one sentence that names the other ways', async () => {
    const refusal = (await readKeyFromStdin(input(KEY, true))) as Misused;
    expect(refusal.message).toMatch(/not typed here/);
    for (const way of ['--api-key-env NAME', 'pipe', '--vault NAME']) expect(refusal.message).toContain(way);
  });

  it.each([
    ['', /no key on standard input/],
    [' \n', /no key on standard input/],
    [`${KEY}\n${KEY}\n`, /more than one line/],
    [null, /too long/],
  ])('refuses %j', async (text, message) => {
    const refusal = (await readKeyFromStdin(input(text))) as Misused;
    expect(refusal.message).toMatch(message);
    expect(refusal.message).not.toContain(KEY);
  });
});

describe('readParts', () => {
  it('reads every part, and shows none when inspected', () => {
    const parts = readParts('--credential-env', { id: 'A', secret: 'B' }, { A: 'id-1', B: KEY });
    expect(inspect(parts, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(Object.keys(parts)).toEqual(['id', 'secret']);
    expect(revealed((parts as Record<string, Secret>)['secret'] as Secret)).toBe(KEY);
  });

  it('stops at the first part that is not there', () => {
    expect(readParts('--credential-env', { id: 'A', secret: 'B' }, { A: 'id-1' })).toMatchObject({
      kind: 'misused',
    });
  });
});
