/** A55, the command's part: no output of any command, good or bad, holds a key of a file, a provider's key or a stack. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  KEY,
  makeFolder,
  type Ran,
  readJson,
  runHere,
  runProcess,
  secretsOf,
  writeRai,
} from './support/command.ts';

let dir: string;
beforeEach(() => {
  dir = makeFolder();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (name: string) => join(dir, name);

/** Every spelling in which a secret could show up. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [secret, encodeURIComponent(secret), bytes.toString('base64'), bytes.toString('hex')];
}

function expectClean(runs: readonly Ran[], secrets: readonly string[]): void {
  expect(secrets.length).toBeGreaterThan(0);
  for (const { stdout, stderr } of runs) {
    for (const spelling of secrets.flatMap(spellings)) {
      expect(stdout).not.toContain(spelling);
      expect(stderr).not.toContain(spelling);
    }
    expect(stdout + stderr).not.toMatch(/\n\s+at .*:\d+/);
  }
}

describe('A55 no output holds key material', () => {
  it.each(['aes', 'ecc'])('through the whole life of a pair of method %s', async (method) => {
    const [issuer, relay] = [at('issuer.rai'), at('relay.rai')];
    const runs: Ran[] = [];
    const secrets = new Set<string>([KEY]);
    const remember = () => {
      for (const secret of secretsOf(issuer, relay)) secrets.add(secret);
    };
    for (const json of [[], ['--json']]) {
      rmSync(issuer, { force: true });
      rmSync(relay, { force: true });
      runs.push(await runHere(['init', '--method', method, '--out', dir, ...json]));
      remember();
      const minted = await runHere(['token', '--rai', issuer], { stdin: KEY });
      runs.push(minted, await runHere(['url', '--rai', issuer, ...json], { stdin: KEY }));
      runs.push(await runHere(['inspect', minted.stdout.trim(), '--rai', relay, ...json]));
      runs.push(await runHere(['inspect', minted.stdout.trim(), '--rai', issuer, ...json]));
      runs.push(await runHere(['rotate', relay, issuer, ...json]));
      remember();
      runs.push(await runHere(['revoke', '--all', '--rai', relay, ...json]));
      runs.push(
        await runHere(['check', '--rai', dir, ...json]),
        await runHere(['check', '--rai', issuer, ...json]),
      );
    }
    expectClean(runs, [...secrets]);
    expect(secrets.size).toBeGreaterThan(4);
  });

  it('in refusals of files that are broken in every member', async () => {
    await runHere(['init', '--shared', '--out', dir]);
    const good = readJson(at('default.rai')) as { keys: Record<string, unknown>[] };
    const [secret = ''] = secretsOf(at('default.rai'));
    const broken: unknown[] = [
      { ...good, [secret]: 1 },
      { ...good, keys: [{ ...good.keys[0], kid: secret }] },
      { ...good, keys: [{ ...good.keys[0], alg: secret }] },
      { ...good, keys: [{ ...good.keys[0], k: `${secret}x` }] },
      { ...good, keys: [{ ...good.keys[0], status: secret }] },
      { ...good, iss: `${secret} ${secret}` },
      { ...good, use: secret },
      { ...good, keys: secret },
      { crypto: { method: 'aes', aes_key: secret, aes_iv_seed: secret } },
      { crypto: { method: secret, aes_key: 'x', aes_iv_seed: 'x' } },
      `{"keys":"${secret}"`,
      secret,
    ];
    const runs: Ran[] = [];
    for (const content of broken) {
      const file = writeRai(at('broken.rai'), content);
      const commands = [
        ['url'],
        ['token'],
        ['check'],
        ['rotate'],
        ['revoke', '--all'],
        ['inspect', 'a.b.c.d.e'],
        ['check', '--import'],
      ];
      for (const command of commands) {
        const ran = await runHere([...command, '--rai', file], { stdin: KEY });
        expect(ran.code).toBeGreaterThan(0);
        runs.push(ran);
      }
    }
    expectClean(runs, [secret, KEY]);
  });

  it('when a key stands where it does not belong on the command line', async () => {
    await runHere(['init', '--shared', '--out', dir]);
    const rai = ['--rai', at('default.rai')];
    const lines: string[][] = [
      [KEY],
      ['url', KEY],
      ['url', ...rai, KEY, KEY],
      ['url', ...rai, '--api-key', KEY],
      ['url', ...rai, `--api-key=${KEY}`],
      ['url', ...rai, '--api-key-env', KEY],
      ['url', ...rai, `--openai-key=${KEY}`],
      ['url', ...rai, `--${KEY}`],
      ['url', ...rai, `-${KEY}`],
      ['url', ...rai, '--max-calls', KEY],
      ['url', ...rai, '--rate-limit', KEY],
      ['url', ...rai, '--meta', KEY],
      ['url', ...rai, '--upstreams', `[{"apiKey":"${KEY}"}]`],
      ['url', ...rai, '--upstreams', `[{"apiKeyEnv":"${KEY}"}]`],
      ['url', ...rai, '--credential-env', `key=${KEY}`],
      ['url', ...rai, '--replay', KEY],
      ['url', ...rai, '--base', KEY],
      ['inspect', KEY, ...rai],
      ['init', '--method', KEY],
      ['rotate', '--keys', KEY],
      ['revoke', '--before', KEY],
      ['help', KEY],
    ];
    const runs: Ran[] = [];
    for (const line of lines) {
      const ran = await runHere(line, { stdin: `${KEY}\nsecond line` });
      expect(ran.code).toBeGreaterThan(0);
      runs.push(ran, await runHere([...line, '--json'], { stdin: `${KEY}\nsecond line` }));
    }
    expectClean(runs, [KEY]);
  });

  it('in a process of its own, from environment and standard input', async () => {
    await runHere(['init', '--shared', '--out', dir]);
    writeFileSync(
      at('config.json'),
      JSON.stringify({ vault: { main: { provider: 'openai', key_env: 'MAIN_KEY', nonsense: 1 } } }),
    );
    const env = { MAIN_KEY: KEY, RELAYAPI_SERVER_PORT: 'x' };
    const runs = await Promise.all([
      runProcess(['url', '--rai', at('default.rai'), '--api-key-env', 'MAIN_KEY', '--subject', 'a b'], {
        env,
      }),
      runProcess(['url', '--rai', at('default.rai')], { stdin: `${KEY} ${KEY}\n` }),
      runProcess(['check', '--config', at('config.json'), '--rai', at('default.rai')], { env }),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([1, 1, 1]);
    expectClean(runs, [KEY, ...secretsOf(at('default.rai'))]);
  });
});
