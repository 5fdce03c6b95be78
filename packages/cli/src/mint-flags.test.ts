/** The flags of url and token: all of the SDK's options, each read in its form, no value repeated in a message. */
import { OPTION_NAMES } from 'relayapi-sdk';
import { describe, expect, it } from 'vitest';
import { MINT_FLAGS, readList, splitOptionMessage } from './mint-flags.ts';
import { isMisused } from './outcome.ts';

function read(flag: string, ...texts: string[]): unknown {
  const found = MINT_FLAGS.find((each) => each.flag === flag);
  if (!found) throw new Error(`no flag ${flag}`);
  return found.read(texts);
}

describe('MINT_FLAGS', () => {
  it('has a flag for every option of the SDK, and none beside', () => {
    expect(MINT_FLAGS.map(({ option }) => option).sort()).toEqual([...OPTION_NAMES].sort());
  });

  it('writes options in kebab-case; what holds a key is named by a variable', () => {
    const flagOf = (option: string) => MINT_FLAGS.find((each) => each.option === option)?.flag;
    expect(flagOf('maxMicroUsd')).toBe('--max-micro-usd');
    expect(flagOf('allowedOrigins')).toBe('--allowed-origins');
    expect(flagOf('apiKey')).toBe('--api-key-env');
    expect(flagOf('credential')).toBe('--credential-env');
    for (const { flag } of MINT_FLAGS) expect(flag).toMatch(/^--[a-z]+(?:-[a-z]+)*$/);
  });

  it('says of each what it takes and does', () => {
    for (const { value, help } of MINT_FLAGS) {
      expect(value).not.toBe('');
      expect(help.length).toBeGreaterThan(5);
    }
  });
});

describe('values', () => {
  const good: ReadonlyArray<readonly [flag: string, texts: string[], value: unknown]> = [
    ['--provider', ['groq'], 'groq'],
    ['--max-calls', ['5'], 5],
    ['--max-calls', ['0'], 0],
    ['--max-calls', ['none'], null],
    ['--expire-seconds', ['60'], 60],
    ['--rate-limit', ['10/60'], { requests: 10, perSeconds: 60 }],
    ['--allowed-models', ['a,b', 'c'], ['a', 'b', 'c']],
    ['--allowed-models', ['a, b ,'], ['a', 'b']],
    ['--allowed-features', [''], []],
    ['--allowed-paths', ['POST /chat/completions', 'GET /models'], ['POST /chat/completions', 'GET /models']],
    ['--vars', ['resource=my-resource'], { resource: 'my-resource' }],
    ['--vars', ['a=1,b=2', 'c=3'], { a: '1', b: '2', c: '3' }],
    ['--set', ['model=gpt-4o-mini'], { model: 'gpt-4o-mini' }],
    [
      '--set',
      ['temperature=0.2', 'stream=true', 'user=a,b=c'],
      { temperature: 0.2, stream: true, user: 'a,b=c' },
    ],
    ['--set', ['{"model":"m","n":1}'], { model: 'm', n: 1 }],
    ['--cap', ['max_tokens=1024', 'n=1'], { max_tokens: 1024, n: 1 }],
    ['--cap', ['{"n":1}'], { n: 1 }],
    ['--meta', ['{"plan":"free"}'], { plan: 'free' }],
    ['--meta', ['"text"'], 'text'],
    ['--meta', ['{"kind":"misused"}'], { kind: 'misused' }],
    ['--credential-env', ['id=AWS_ID,secret=AWS_SECRET'], { id: 'AWS_ID', secret: 'AWS_SECRET' }],
  ];
  it.each(good)('%s %j', (flag, texts, value) => {
    expect(read(flag, ...texts)).toEqual(value);
  });

  const bad: ReadonlyArray<readonly [flag: string, texts: string[]]> = [
    ['--max-calls', ['many']],
    ['--max-calls', ['-1']],
    ['--max-calls', ['1.5']],
    ['--max-calls', ['1e3']],
    ['--max-calls', ['']],
    ['--max-calls', ['99999999999999999']],
    ['--max-calls', ['1', '2']],
    ['--expire-seconds', ['0']],
    ['--rate-limit', ['10']],
    ['--rate-limit', ['10/']],
    ['--rate-limit', ['10 per minute']],
    ['--provider', ['a', 'b']],
    ['--vars', ['resource']],
    ['--vars', ['=x']],
    ['--cap', ['max_tokens=lots']],
    ['--cap', ['max_tokens=-1']],
    ['--set', ['{model:1}']],
    ['--meta', ['plan=free']],
    ['--upstreams', ['openai']],
  ];
  it.each(bad)('%s %j is a misuse that names the flag', (flag, texts) => {
    const value = read(flag, ...texts);
    expect(isMisused(value)).toBe(true);
    expect((value as { message: string }).message.startsWith(flag)).toBe(true);
  });

  it('no message repeats what was written, which may be a key in the wrong place', () => {
    for (const { flag, read: reader } of MINT_FLAGS) {
      const value = reader(['sk-demo-not-a-key', 'sk-demo-not-a-key']);
      if (isMisused(value)) expect(`${flag}: ${value.message}`).not.toContain('sk-demo');
    }
  });

  it('a member called __proto__ stays a member', () => {
    const value = read('--set', '__proto__=x') as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('lists lose empty items only', () => {
    expect(readList(['', ' ', 'a,,b'])).toEqual(['a', 'b']);
    expect(readList([])).toEqual([]);
  });
});

describe('splitOptionMessage', () => {
  it.each([
    ['maxCalls: must be a whole number', '--max-calls', 'must be a whole number'],
    ['rateLimit.perSeconds: must be at least 1', '--rate-limit.perSeconds', 'must be at least 1'],
    ['upstreams[0].apiKey: is missing', '--upstreams[0].apiKey', 'is missing'],
    ['apiKey: is not printable: really', '--api-key-env', 'is not printable: really'],
    ['token: is 5000 characters long', '', 'token: is 5000 characters long'],
    ['no colon here', '', 'no colon here'],
  ])('%s', (message, flag, reason) => {
    expect(splitOptionMessage(message)).toEqual({ flag, reason });
  });
});
