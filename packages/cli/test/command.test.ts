/** The command as a process: every command once from source, exit codes, streams, flags in both spellings, wrong usage. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPTION_NAMES } from 'relayapi-sdk';
import { createKeyring, findToken, openToken, parseRai } from 'relayapi-token';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY, makeFolder, readJson, runHere, runProcess } from './support/command.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let dir: string;
beforeAll(() => {
  dir = makeFolder();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function open(text: string, file = join(dir, 'relay.rai')) {
  const { keyring } = await createKeyring([{ name: 'r', file: parseRai(readJson(file)) }], { generation: 1 });
  const opened = await openToken(findToken(text) ?? '', keyring, { now: Math.floor(Date.now() / 1000) });
  if (opened === null) throw new Error('the token does not open');
  return opened.claims;
}

describe('round trip of processes', () => {
  it('init, url, inspect, rotate, revoke and check follow one another', async () => {
    const cwd = dir;
    const made = await runProcess(
      ['init', '--method', 'ecc', '--host', 'https://relay.example.com', '--iss', 'shop'],
      { cwd },
    );
    expect(made).toMatchObject({ code: 0, stdout: 'issuer.rai\nrelay.rai\n' });

    const url = await runProcess(
      ['url', '-rai', 'issuer.rai', '--api-key-env', 'MY_KEY', '--max-calls', '5'],
      {
        cwd,
        env: { MY_KEY: KEY },
      },
    );
    expect(url.code).toBe(0);
    expect(url.stdout).toMatch(/^https:\/\/relay\.example\.com\/relayapi\/[\w.-]+\n$/);
    expect(url.stderr).toMatch(/^sealed for openai: 5 calls, until .* UTC\n$/);
    const claims = await open(url.stdout);
    expect(claims.upstream[0]?.key?.reveal()).toBe(KEY);
    expect(claims.limits.calls).toBe(5);

    const shown = await runProcess(['inspect', '--rai=relay.rai'], { cwd, stdin: url.stdout });
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/state {4}valid for/);
    expect(shown.stdout).toContain(claims.jti);

    const rotated = await runProcess(['rotate', 'relay.rai', 'issuer.rai', '--json'], { cwd });
    expect(rotated.code).toBe(0);
    expect((JSON.parse(rotated.stdout) as { keys: unknown[] }).keys).toHaveLength(4);
    expect((await open(url.stdout)).jti).toBe(claims.jti);

    const later = await runProcess(['token', '--rai', 'issuer.rai'], { cwd, stdin: `${KEY}\n` });
    expect(later.stdout).not.toContain('/');
    expect((await open(later.stdout)).upstream[0]?.key?.reveal()).toBe(KEY);

    const revoked = await runProcess(['revoke', '--rai', 'relay.rai', '--jti', claims.jti], { cwd });
    expect(revoked).toMatchObject({ code: 0, stdout: `token ${claims.jti}\n` });
    const again = await runProcess(['inspect', '--rai', 'relay.rai', '--json'], { cwd, stdin: url.stdout });
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, refused: { code: 'token_revoked' } });

    writeFileSync(join(dir, 'config.json'), '{"server":{"port":8840}}');
    const checked = await runProcess(['check', '-config', 'config.json', '-rai', 'relay.rai'], { cwd });
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(
      /config\.json: listens on http:\/\/127\.0\.0\.1:8840\/relayapi\/, store memory/,
    );
    for (const name of ['issuer.rai', 'relay.rai'])
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir).sort()).toEqual(['config.json', 'issuer.rai', 'relay.rai']);
  });

  it('upgrade makes a pair that mints', async () => {
    const cwd = join(dir, 'old');
    mkdirSync(cwd);
    writeFileSync(
      join(cwd, 'v1.rai'),
      JSON.stringify({ crypto: { method: 'aes', aes_key: 'a passphrase', aes_iv_seed: 'x' } }),
    );
    expect(await runProcess(['upgrade', 'v1.rai'], { cwd })).toMatchObject({
      code: 0,
      stdout: 'issuer.rai\nrelay.rai\n',
    });
    const url = await runProcess(['url', '--rai', 'issuer.rai'], { cwd, stdin: KEY });
    expect((await open(url.stdout, join(cwd, 'relay.rai'))).aud).toBe('127.0.0.1:8840');
  });

  it('without --rai ./default.rai is used', async () => {
    const cwd = join(dir, 'quick');
    expect((await runProcess(['init', '--shared', '--out', cwd])).code).toBe(0);
    const url = await runProcess(['url'], { cwd, stdin: KEY });
    expect((await open(url.stdout, join(cwd, 'default.rai'))).iss).toBe('default');
    expect((await runProcess(['check'], { cwd })).code).toBe(0);
    expect((await runProcess(['revoke', '--all'], { cwd })).code).toBe(0);
    expect((await runProcess(['rotate'], { cwd })).code).toBe(0);
    expect((await runProcess(['inspect', url.stdout.trim()], { cwd })).stdout).toMatch(/token_revoked/);
  });

  it('refuses to read a key from a terminal, in one sentence', (context) => {
    const tool = spawnSync('script', ['--version'], { encoding: 'utf8' });
    context.skip(tool.error !== undefined, 'script is missing');
    const file = join(dir, 'quick', 'default.rai');
    const line = `${process.execPath} --conditions=relayapi-source ${MAIN} url --rai ${file}`;
    const ran = spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8', timeout: 30_000 });
    expect(ran.status).toBe(2);
    expect(ran.stdout).toMatch(/a key is not typed here/);
  });

  it('a reader that goes away early is no crash', () => {
    const line = `"${process.execPath}" --conditions=relayapi-source "${MAIN}" url --help | head -1`;
    const ran = spawnSync('bash', ['-o', 'pipefail', '-c', line], { encoding: 'utf8' });
    expect(ran.stdout).toMatch(/^Usage: relayapi url/);
    expect(ran.stderr).toBe('');
  });

  it('says a bug in one line: no stack, nothing of what it was working on', async () => {
    const broken = `Date.prototype.toISOString=()=>{throw new TypeError("${KEY}")}`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(broken)}` };
    const ran = await runProcess(['url', '--rai', join(dir, 'quick', 'default.rai')], { env, stdin: KEY });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toBe('relayapi: unexpected TypeError; please report it with the command you gave\n');
  });

  it('a named pipe in place of a key file is refused, not waited for', async (context) => {
    const pipe = join(dir, 'pipe.rai');
    context.skip(spawnSync('mkfifo', ['-m', '600', pipe]).status !== 0, 'mkfifo is missing');
    const ran = await runProcess(['url', '--rai', pipe], { stdin: KEY });
    rmSync(pipe);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringMatching(/not a file/) });
  });
});

describe('wrong usage ends with 2 and one clear line', () => {
  const wrong: ReadonlyArray<readonly [args: string[], message: RegExp]> = [
    [['url', '--max-cals', '5'], /unknown option '--max-cals'; did you mean --max-calls\?/],
    [['ulr'], /unknown command 'ulr'; did you mean url\?/],
    [['frobnicate'], /unknown command 'frobnicate'; see relayapi --help/],
    [['url', '--max-calls'], /--max-calls <N>' argument missing/],
    [['url', '--max-calls', 'many'], /--max-calls takes a whole number/],
    [['url', '--rai', 'a', '--rai', 'b'], /--rai stands twice/],
    [['url', '--vault', 'main', '--api-key-env', 'X'], /give one of/],
    [['url', '--api-key', KEY], /a key is never an argument/],
    [['url', 'extra'], /too many arguments/],
    [['token', '--rate-limit', '10'], /10\/60/],
    [['upgrade'], /missing required argument 'file'/],
    [['init', '--method', 'rsa'], /--method takes aes or ecc/],
    [['init', '--max-calls', 'x'], /--max-calls takes/],
    [['init', '--host', 'a', '--host', 'b'], /--host stands twice/],
    [['upgrade', 'f', '--method', 'rsa'], /--method takes/],
    [['upgrade', 'f', '--out', 'a', '--out', 'b'], /--out stands twice/],
    [['rotate', '--keys', 'all'], /--keys takes enc, sig or both/],
    [['rotate', '--grace-seconds', 'soon'], /--grace-seconds takes/],
    [['revoke'], /name what to take back/],
    [['revoke', '--before', 'yesterday'], /--before takes/],
    [['revoke', '--iss', 'a', '--iss', 'b'], /--iss stands twice/],
    [['check', '--rai', 'a', '--rai', 'b'], /--rai stands twice/],
    [['inspect', 'a', '--rai', 'a', '--rai', 'b'], /--rai stands twice/],
    [['--frob'], /unknown option '--frob'/],
  ];
  it.each(wrong)('%j', async (args, message) => {
    const ran = await runHere(args);
    expect(ran.code).toBe(2);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(ran.stderr.startsWith('relayapi: ')).toBe(true);
  });

  it('and with --json as JSON', async () => {
    const ran = await runHere(['--json', 'url', '--max-calls', 'many']);
    expect(ran.code).toBe(2);
    expect(JSON.parse(ran.stdout)).toEqual({
      ok: false,
      usage: '--max-calls takes a whole number of at least 0',
    });
  });

  it('no command at all prints the help on standard error', async () => {
    const ran = await runHere([]);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/^Usage: relayapi/);
  });

  it('the process leaves the same code', async () => {
    expect((await runProcess(['ulr'])).code).toBe(2);
    expect((await runProcess(['inspect', 'x', '--rai', join(dir, 'no.rai')])).code).toBe(1);
  });
});

describe('help', () => {
  const commands = ['url', 'token', 'inspect', 'init', 'upgrade', 'rotate', 'revoke', 'check'];

  it('lists every command, the exit codes and a first example', async () => {
    const { code, stdout, stderr } = await runHere(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(stdout).toMatch(/0 done, 1 refused, 2/);
    expect((await runHere(['-help'])).stdout).toBe(stdout);
    expect((await runHere(['help'])).stdout).toBe(stdout);
  });

  it.each(commands)('%s explains itself, --json included, in lines that fit a terminal', async (name) => {
    const { code, stdout } = await runHere([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/--json/);
    expect((await runHere(['help', name])).stdout).toBe(stdout);
  });

  it('url names a flag for every option of the SDK', async () => {
    const { stdout } = await runHere(['url', '--help']);
    for (const option of OPTION_NAMES) {
      const kebab = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      expect(stdout).toContain(`--${kebab}`);
    }
  });

  it('--version prints that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await runHere(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    expect((await runHere(['-version'])).stdout).toBe(`${version}\n`);
  });
});

describe('url and token', () => {
  const file = () => join(dir, 'quick', 'default.rai');
  const mint = (args: string[], outside: Parameters<typeof runHere>[1] = { stdin: KEY }) =>
    runHere(['url', '--rai', file(), ...args], outside);

  it('carry every option of this release over', async () => {
    const args = [
      ...['--provider', 'azure', '--vars', 'resource=my-resource', '--max-calls', '5', '--max-attempts', '9'],
      ...[
        '--expire-seconds',
        '600',
        '--not-before-seconds',
        '30',
        '--subject',
        'user-42',
        '--allowed-ips',
        '203.0.113.0/24',
        '--allowed-countries',
        'DE,AT',
      ],
      ...[
        '--allowed-origins',
        'https://app.example.com,none',
        '--allowed-models',
        'a,b*',
        '--allowed-models',
        'c',
      ],
      ...['--allowed-paths', 'POST /chat/completions', '--allowed-features', '', '--rate-limit', '10/60'],
      ...[
        '--max-concurrency',
        '2',
        '--max-request-bytes',
        '100',
        '--max-response-bytes',
        '200',
        '--max-stream-seconds',
        '300',
      ],
      ...[
        '--replay',
        'nonce',
        '--set',
        'model=m',
        '--cap',
        'max_tokens=1024',
        '--store-down',
        'closed',
        '--meta',
        '{"plan":"free"}',
      ],
    ];
    const ran = await mint(args);
    expect(ran.stderr).toMatch(/^sealed for azure/);
    const claims = await open(ran.stdout, file());
    expect(claims).toMatchObject({
      sub: 'user-42',
      ips: ['203.0.113.0/24'],
      countries: ['DE', 'AT'],
      origins: ['https://app.example.com', 'none'],
      models: ['a', 'b*', 'c'],
      paths: ['POST /chat/completions'],
      features: [],
      replay: 'nonce',
      set: { model: 'm' },
      cap: { max_tokens: 1024 },
      store_down: 'closed',
      meta: { plan: 'free' },
      limits: {
        calls: 5,
        attempts: 9,
        rate: [10, 60],
        concurrency: 2,
        request_bytes: 100,
        response_bytes: 200,
        stream_seconds: 300,
      },
    });
    expect(claims.exp - claims.iat).toBe(600);
    expect((claims.nbf ?? 0) - claims.iat).toBe(30);
    expect(claims.upstream[0]?.vars).toEqual({ resource: 'my-resource' });
  });

  it('keys of several parts come from variables, upstreams too', async () => {
    const env = { A: 'id-1', B: KEY };
    const parts = await mint(['--provider', 'bedrock', '--credential-env', 'id=A,secret=B'], { env });
    expect((await open(parts.stdout, file())).upstream[0]?.credential?.['secret']?.reveal()).toBe(KEY);
    for (const entry of [
      { provider: 'groq', apiKeyEnv: 'B' },
      { provider: 'groq', credentialEnv: { key: 'B' } },
    ]) {
      const listed = await mint(['--upstreams', JSON.stringify([entry])], { env });
      expect((await open(listed.stdout, file())).upstream[0]?.provider).toBe('groq');
      expect(listed.stderr).toMatch(/sealed for groq/);
    }
  });

  it.each([
    [['--upstreams', '{}'], 2, /takes a list/],
    [['--upstreams', `[{"provider":"groq","apiKey":"${KEY}"}]`], 2, /named, never written/],
    [['--upstreams', '["groq"]'], 2, /named, never written/],
    [['--upstreams', '[{"apiKeyEnv":"NOPE"}]'], 2, /not set/],
    [['--upstreams', '[{"credentialEnv":5}]'], 2, /takes an object/],
    [['--upstreams', '[{"credentialEnv":{"a":"NOPE"}}]'], 2, /not set/],
    [['--credential-env', 'a=NOPE'], 2, /not set/],
    [['--api-key-env', KEY], 2, /not the key itself/],
    [['--upstreams', '[]'], 1, /--upstreams: give a list/],
    [['--max-tokens', '5'], 1, /--max-tokens: .*not supported by this release/],
    [['--allowed-countries', 'UK'], 1, /--allowed-countries: .*holds UK, .*write GB/],
    [['--allowed-countries', 'de'], 1, /--allowed-countries: .*two capital letters/],
    [['--allowed-countries', ''], 1, /--allowed-countries: .*at least one/],
    [['--subject', 'a b'], 1, /--subject/],
    [['--expire-seconds', '90000'], 1, /--expire-seconds: .*allow grants/],
    [['--vault', 'main'], 1, /--vault/],
    [['--replay', 'always'], 1, /--replay/],
    [['--meta', JSON.stringify('x'.repeat(600))], 1, /--meta/],
  ] as const)('%j ends with %i', async (args, code, message) => {
    const ran = await mint([...args]);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toContain(KEY);
  });

  it('no limit of calls, and a vault, are said in the summary', async () => {
    expect((await mint(['--max-calls', 'none'])).stderr).toMatch(/any number of calls/);
  });

  it('a relay’s file, a loose one and a missing one are refused before a key is asked for', async () => {
    const relay = await runHere(['url', '--rai', join(dir, 'relay.rai')], { stdinIsTerminal: true });
    expect(relay).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot mint/) });
    const missing = await runHere(['url', '--rai', join(dir, 'no.rai')], { stdinIsTerminal: true });
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/ENOENT/) });
    expect(existsSync(join(dir, 'no.rai'))).toBe(false);
  });

  it('--json gives the URL, or token, and its end', async () => {
    const url = JSON.parse((await mint(['--json'])).stdout) as {
      ok: boolean;
      url: string;
      expires_at: number;
    };
    expect(url.ok).toBe(true);
    expect(Math.abs(url.expires_at - (await open(url.url, file())).exp)).toBeLessThanOrEqual(1);
    const token = await runHere(['token', '--rai', file(), '--json'], { stdin: KEY });
    expect(Object.keys(JSON.parse(token.stdout) as object)).toEqual(['ok', 'token', 'expires_at', 'notes']);
  });
});
