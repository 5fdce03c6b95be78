/** Arguments before commander: one dash or two, and keys that were written where they do not belong. */
import { describe, expect, it } from 'vitest';
import { normaliseArguments, refuseKeyArgument } from './argv.ts';

describe('normaliseArguments', () => {
  it('takes -rai and --rai alike, also with an equals sign', () => {
    expect(normaliseArguments(['url', '-rai', 'a.rai'])).toEqual(['url', '--rai', 'a.rai']);
    expect(normaliseArguments(['url', '-rai=a.rai'])).toEqual(['url', '--rai=a.rai']);
    expect(normaliseArguments(['url', '--rai', 'a.rai'])).toEqual(['url', '--rai', 'a.rai']);
    expect(normaliseArguments(['url', '--rai=a=b'])).toEqual(['url', '--rai=a=b']);
  });

  it.each(['config', 'rai-group-read', 'allow-shared', 'json', 'help', 'version'])('takes -%s', (name) => {
    expect(normaliseArguments([`-${name}`])).toEqual([`--${name}`]);
  });

  it('leaves short flags, near names and everything behind -- alone', () => {
    const untouched = ['-h', '-raid', '-r', '-', 'rai', '-max-calls', '--', '-rai', '-config=x'];
    expect(normaliseArguments(untouched)).toEqual(untouched);
  });
});

describe('refuseKeyArgument', () => {
  it.each([
    '--api-key',
    '--api-key=sk-demo-not-a-key',
    '-api-key',
    '--apiKey',
    '--api_key=x',
    '--key',
    '--secret=x',
    '--credential',
  ])('%s is refused with the ways that there are, the value unsaid', (argument) => {
    const refusal = refuseKeyArgument(['url', argument]);
    expect(refusal?.message).toMatch(/--api-key-env NAME/);
    expect(refusal?.message).toMatch(/standard input/);
    expect(refusal?.message).not.toContain('sk-demo');
  });

  it.each(['--api-key-env', '--api-key-env=NAME', '--credential-env', '--keys', '--kid', 'key'])(
    '%s passes',
    (argument) => {
      expect(refuseKeyArgument(['url', argument, 'x'])).toBeNull();
    },
  );

  it.each([
    '{"rai":2,"keys":[{"kty":"oct","k":"demo-not-a-key"}]}',
    '--rai={"crypto":{"aes_key" : "demo-not-a-key"}}',
    '\n [{"d":"demo-not-a-key"}]',
  ])("a key file's text (%s) is refused unsaid, wherever it stands", (argument) => {
    for (const argv of [
      ['check', '--rai', argument],
      ['rotate', '--', argument],
    ]) {
      const refusal = refuseKeyArgument(argv);
      expect(refusal?.message).toMatch(/give the file's path/);
      expect(refusal?.message).not.toContain('demo-not');
    }
  });

  it.each(['{"plan":"free"}', '[{"provider":"openai","vault":"main"}]'])('other JSON (%s) passes', (text) => {
    expect(refuseKeyArgument(['url', '--meta', text])).toBeNull();
  });

  it('does not look behind --', () => {
    expect(refuseKeyArgument(['inspect', '--', '--api-key'])).toBeNull();
  });
});
