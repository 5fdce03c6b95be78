/** Everything that keeps the relay from starting: one clear message, exit 2, no stack, nothing left behind. */
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createRai } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { type Ended, putFile, runProcess, startFolder } from '../support/server-process.ts';

const RELAY = 'http://127.0.0.1:8840/relayapi/';
const FREE = ['-server.port=0', '-admin.port=0'];
const shared = (): any => createRai({ method: 'aes', relay: RELAY, role: 'shared' }).shared;

function expectRefusal(ended: Ended, ...parts: string[]): void {
  expect(ended.code).toBe(2);
  expect(ended.stdout).toBe('');
  for (const part of parts) expect(ended.stderr).toContain(part);
  expect(ended.stderr).toMatch(/^relayapi-server: /);
  expect(ended.stderr).not.toMatch(/\n\s+at |node:internal|Error:/);
}

describe('a bad flag', () => {
  it('is named, with the one that was meant', async () => {
    const folder = startFolder();
    const ended = await runProcess(folder, ['-ria', 'x.rai', ...FREE]);
    expectRefusal(ended, 'command line -ria: unknown flag; did you mean "-rai"?; see relayapi-server -help');
    expect(ended.stderr.split('\n')).toHaveLength(2);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a bad config', () => {
  it('is one message with the path of every field and its fix', async () => {
    const folder = startFolder();
    putFile(folder, 'config.json', {
      server: { prot: 1, port: 'x' },
      log: { level: 'loud' },
      vault: { main: { provider: 'opnai', key_env: 'NOT_SET' } },
      providers: { mine: {} },
    });
    const ended = await runProcess(folder, ['-config', 'config.json', '-admin.port=0']);
    expectRefusal(
      ended,
      'problems keep the relay from starting\n',
      'config.json $.server.prot: unknown key; did you mean "port"?; rename it to "port" or remove it\n',
      'config.json $.server.port: must be a number, is "x"; write a number\n',
      'config.json $.log.level: must be one of "debug", "info", "warn", "error", is "loud"; write',
      'config.json $.vault.main.key_env: names the variable NOT_SET, which is not set or empty; set it before the start',
      'config.json $.vault.main.provider: "opnai" is not in the registry, or is off there',
      'config.json $.providers.mine.base_url: is missing',
    );
  });

  it('that is not JSON is named by line and column', async () => {
    const folder = startFolder();
    putFile(folder, 'config.json', '{\n  "server": {,}\n}');
    expectRefusal(
      await runProcess(folder, ['-config', 'config.json', ...FREE]),
      'relayapi-server: config.json: is not JSON (line 2, column 14); ',
    );
  });

  it('from the environment is named by its variable', async () => {
    expectRefusal(
      await runProcess(startFolder(), FREE, { RELAYAPI_STORE_TYPE: 'redis' }),
      'RELAYAPI_STORE_TYPE $.store.type: the redis store is not in this release; write "memory"',
    );
  });
});

describe('a missing file', () => {
  it('is named: the config', async () => {
    expectRefusal(
      await runProcess(startFolder(), ['-config', 'none.json', ...FREE]),
      'none.json: there is no such file; check the name and the working directory\n',
    );
  });

  it('is named: the key file', async () => {
    const folder = startFolder();
    expectRefusal(await runProcess(folder, ['-rai', 'none.rai', ...FREE]), 'none.rai: there is no such file');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a bad key file', () => {
  it('is named with the path of the field and the fix, and without a key', async () => {
    const folder = startFolder();
    const rai = shared();
    putFile(folder, 'a.rai', { ...rai, extra: 1, keys: [{ ...rai.keys[0], kid: 'x y' }] });
    const ended = await runProcess(folder, ['-rai', 'a.rai', ...FREE]);
    expectRefusal(ended, 'a.rai $.keys[0].kid: ', 'a.rai $.extra: ');
    expect(ended.stderr).not.toContain(rai.keys[0].k);
  });

  it.each([
    [
      'a published sample key',
      () => ({
        crypto: { method: 'aes', aes_key: '0123456789abcdef'.repeat(4), aes_iv_seed: 'fedcba9876543210' },
      }),
    ],
    [
      'an all-zero key',
      (rai: ReturnType<typeof shared>) => ({ ...rai, keys: [{ ...rai.keys[0], k: 'A'.repeat(43) }] }),
    ],
    [
      'a low-variety key',
      (rai: ReturnType<typeof shared>) => ({
        ...rai,
        keys: [{ ...rai.keys[0], k: Buffer.alloc(32, 'ab').toString('base64url') }],
      }),
    ],
  ])('A11 %s refuses the start', async (_what, spoil) => {
    const folder = startFolder();
    putFile(folder, 'a.rai', spoil(shared()));
    expectRefusal(await runProcess(folder, ['-rai', 'a.rai', ...FREE]), 'a.rai');
  });

  it('A10 of a loose mode refuses the start, with the command that mends it', async () => {
    const folder = startFolder();
    putFile(folder, 'a.rai', shared(), 0o644);
    expectRefusal(
      await runProcess(folder, ['-rai', 'a.rai', ...FREE]),
      'a.rai: others than its owner may use it (mode 0644); chmod 600 it\n',
    );
  });

  it('of the backend is told from the relay’s', async () => {
    const folder = startFolder();
    const { issuer } = createRai({ method: 'aes', relay: RELAY });
    putFile(folder, 'issuer.rai', issuer);
    expectRefusal(
      await runProcess(folder, ['-rai', 'issuer.rai', ...FREE]),
      'issuer.rai $.role: this is the backend’s file; give the relay the other half',
    );
  });

  it('in a folder is named with its folder, all bad ones at once', async () => {
    const folder = startFolder();
    putFile(folder, 'good.rai', shared());
    putFile(folder, 'bad1.rai', '{');
    putFile(folder, 'bad2.rai', shared(), 0o644);
    expectRefusal(
      await runProcess(folder, ['-rai', '.', ...FREE]),
      './bad1.rai',
      './bad2.rai: others than its owner',
    );
  });

  it('is also a folder without any', async () => {
    expectRefusal(
      await runProcess(startFolder(), ['-rai', '.', ...FREE]),
      'is a folder without any .rai file',
    );
  });

  it.each([
    ['listens on more than loopback', ['-server.host=0.0.0.0']],
    ['has a public address', ['-server.public_url=https://relay.example.com']],
  ])('of role shared is refused when the relay %s', async (_what, argv) => {
    const folder = startFolder();
    putFile(folder, 'a.rai', shared());
    const ended = await runProcess(folder, ['-rai', 'a.rai', ...argv, ...FREE]);
    expectRefusal(ended, 'a.rai $.role: a shared file can also mint', '-allow-shared');
  });

  it('is not made by a first start off loopback', async () => {
    const folder = startFolder();
    expectRefusal(
      await runProcess(folder, ['-server.host=0.0.0.0', ...FREE]),
      './default.rai: is not there, and would be a shared file',
      'relayapi init',
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a port in use', () => {
  it('is named for either listener, together with everything else that is wrong', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const ended = await runProcess(startFolder(), [
      `-server.port=${port}`,
      '-admin.port=0',
      '-rai',
      'none.rai',
    ]);
    expectRefusal(
      ended,
      `config $.server.port: 127.0.0.1:${port} is in use; stop the other program, or choose another port\n`,
      'none.rai: there is no such file',
    );
    expectRefusal(
      await runProcess(startFolder(), [`-admin.port=${port}`, '-server.port=0']),
      `config $.admin.port: 127.0.0.1:${port} is in use`,
    );
    other.close();
  });
});

describe('-demo', () => {
  it('off loopback is refused', async () => {
    const folder = startFolder();
    putFile(folder, 'a.rai', createRai({ method: 'ecc', relay: 'https://relay.example.com/' }).relay);
    const ended = await runProcess(folder, ['-demo', '-rai', 'a.rai', '-server.host=0.0.0.0', ...FREE]);
    expectRefusal(ended, 'command line -demo: works on loopback only');
  });
});

describe('flags that start nothing', () => {
  it('-gen prints a fresh file and ends with 0', async () => {
    const folder = startFolder();
    const one = await runProcess(folder, ['-gen', '127.0.0.1:8840']);
    expect([one.code, one.stderr]).toEqual([0, '']);
    expect(JSON.parse(one.stdout)).toMatchObject({ rai: 2, role: 'shared', relay: RELAY });
    const two = await runProcess(folder, ['--gen=127.0.0.1:8840']);
    expect(two.stdout).not.toBe(one.stdout);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('-gen with a bad address ends with 2', async () => {
    expectRefusal(
      await runProcess(startFolder(), ['-gen', 'nonsense:port']),
      'command line -gen: is no host with a port',
    );
  });

  it('-help and -version end with 0', async () => {
    const help = await runProcess(startFolder(), ['-help']);
    expect([help.code, help.stdout.startsWith('relayapi-server -rai')]).toEqual([0, true]);
    expect((await runProcess(startFolder(), ['--version'])).stdout).toMatch(
      /^relayapi-server \d+\.\d+\.\d+\n$/,
    );
  });
});
