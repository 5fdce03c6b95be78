/** `relayapi check --secrets`: finds what stands in clear in logs of any kind, names it, and shows nothing of it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createRai } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEY, makeFolder, type Ran, runHere, runProcess, writeRai } from './support/command.ts';

let dir: string;
beforeEach(() => {
  dir = makeFolder();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const put = (name: string, content: string | Uint8Array): string => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};
const look = (...args: string[]) => runHere(['check', '--secrets', ...args]);

async function mintToken(rai: object): Promise<string> {
  const path = writeRai(join(dir, `${Math.random()}.rai`), rai);
  return (await runHere(['token', '--rai', path], { stdin: KEY })).stdout.trim();
}

const shared = () =>
  createRai({ method: 'aes', relay: 'http://127.0.0.1:8840/relayapi/', role: 'shared' }).shared as {
    keys: { k: string; kid: string }[];
  };

function expectSilent({ stdout, stderr }: Ran, ...secrets: string[]): void {
  for (const secret of secrets)
    for (const part of secret.split('.')) if (part.length > 12) expect(stdout + stderr).not.toContain(part);
}

const PLAIN = '203.0.113.7 - - [20/Nov/2026:12:00:00 +0000] "GET /relayapi/-/v1/models HTTP/2.0" 200 12\n';

describe('relayapi check --secrets', () => {
  it('says where and what, with a masked excerpt, and ends with 1', async () => {
    const log = put('access.log', `${PLAIN}${PLAIN}x authorization: Bearer ${KEY} y\nkey=${KEY}-2 z\n`);
    const ran = await look(log);
    expect(ran.code).toBe(1);
    expect(ran.stdout.split('\n').slice(0, 2)).toEqual([
      `${log}:3:25: credential: x authorization: Bearer […] y`,
      `${log}:4:5: provider key: key=[…] z`,
    ]);
    expect(ran.stderr).toMatch(
      /2 secrets stand in clear: 1 × credential, 1 × provider key; replace these keys/,
    );
    expectSilent(ran, KEY);
  });

  it('ends with 0 where there is nothing, and tells how much it read', async () => {
    const ran = await look(put('clean.log', PLAIN.repeat(3)), put('empty.log', ''));
    expect(ran).toEqual({ code: 0, stdout: '', stderr: '3 lines, no key and no token found\n' });
  });

  it.each([
    ['nothing to look through', []],
    ['standard input twice', ['-', '-']],
    ['a flag that does not go with it', ['--import', 'x']],
  ])('is misused with %s: 2', async (_why, args) => expect((await look(...args)).code).toBe(2));

  it('takes no files without --secrets', async () => {
    expect((await runHere(['check', put('a.log', '')])).code).toBe(2);
  });

  it('tells a file that is not there, reads the others, and does not end with 0', async () => {
    const log = put('a.log', `${KEY}\n`);
    const ran = await look(join(dir, 'none.log'), log, dir);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/none\.log: there is no such file/);
    expect(ran.stdout).toContain(`${log}:1:1: provider key`);
    expect((await look(join(dir, 'none.log'))).code).toBe(1);
  });

  it('one JSON object with counts and findings for --json', async () => {
    const ran = await look('--json', put('a.log', `{"msg":"bad ${KEY}"}\n`));
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: false,
      found: 1,
      lines: 1,
      counts: { 'provider key': 1 },
      findings: [{ line: 1, column: 13, kind: 'provider key', excerpt: '{"msg":"bad […]"}' }],
    });
    expectSilent(ran, KEY);
  });

  it('names tokens that the given files open, and those of other keys by their key', async () => {
    const [mine, other] = [shared(), shared()];
    const rai = writeRai(join(dir, 'mine.rai'), mine);
    const tokens = [await mintToken(mine), await mintToken(other)];
    const text = tokens.map((token) => `GET /relayapi/${token}/v1/models HTTP/1.1\n`).join('');
    const log = put(
      'a.log',
      `${text}GET /?x=${(tokens[0] as string).replaceAll('.', '%2E')}\nek_${tokens[0]}\n`,
    );
    const ran = await look('--rai', rai, log);
    const kind = new RegExp(`token ${mine.keys[0]?.kid}:[A-Za-z0-9_-]{8}:`);
    expect(ran.stdout.split('\n').slice(0, 4)).toEqual([
      expect.stringMatching(kind),
      expect.stringContaining(`token of key ${other.keys[0]?.kid}: `),
      expect.stringMatching(kind),
      expect.stringMatching(kind),
    ]);
    expectSilent(ran, ...tokens);
    expectSilent(await look(log), ...tokens);
  });

  it('finds the user’s own keys by value, without a form of their own, in every spelling', async () => {
    const file = shared();
    const secret = file.keys[0]?.k as string;
    const rai = writeRai(join(dir, 'own.rai'), file);
    // no provider's prefix, and a character that is encoded
    const vault = 'q7Wm3Zr9Tb1Kx5Vd8Ls2Nf6Hc4Jg0Py/';
    writeRai(join(dir, 'key'), `${vault}\n`);
    const config = put(
      'config.json',
      JSON.stringify({ vault: { main: { provider: 'openai', key_file: join(dir, 'key') } } }),
    );
    const spellings = [
      vault,
      encodeURIComponent(vault),
      Buffer.from(vault).toString('base64'),
      Buffer.from(`user:${vault}`).toString('base64'),
      Buffer.from(vault).toString('hex'),
      secret,
      Buffer.from(secret, 'base64url').toString('base64'),
      Buffer.from(secret, 'base64url').toString('hex'),
    ];
    const log = put('a.log', spellings.map((text) => `value ${text} end\n`).join(''));
    const ran = await look('--config', config, '--rai', rai, log);
    const lines = ran.stdout.trim().split('\n');
    expect(lines).toHaveLength(spellings.length);
    for (const line of lines.slice(0, 5))
      expect(line).toMatch(/: vault\.main\.key(, in [a-z0-9-]+)?: value \S*\[…\]/);
    for (const line of lines.slice(5)) expect(line).toContain(`key ${file.keys[0]?.kid} of `);
    for (const text of spellings) expect(ran.stdout + ran.stderr).not.toContain(text.slice(4, -6));
    expect((await look(log)).code).toBe(0);
  });

  it('reads gzip, several members of it, zstd, UTF-16 and bytes of any kind', async () => {
    const line = `a ${KEY} b\n`;
    const members = Buffer.concat([gzipSync(PLAIN), gzipSync(line)]);
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(PLAIN + line, 'utf16le')]);
    const odd = Buffer.concat([
      Buffer.from([0, 1, 0xff, 0xc3, 0x0a]),
      Buffer.from(line),
      Buffer.from([0xe2, 0x28]),
    ]);
    for (const [name, content] of [
      ['a.log.gz', members],
      ['a.zst', zstdCompressSync(PLAIN + line)],
      ['a.txt', wide],
      ['core.bin', odd],
    ] as const) {
      const ran = await look(put(name, content));
      expect(ran.stdout, name).toMatch(/:2:\d: provider key: a \[…\] b/);
      expect(ran.code, name).toBe(1);
    }
  });

  it('says of a damaged archive that it ended early, after what stood in front', async () => {
    const packed = gzipSync(`${KEY}\n${'x'.repeat(100_000)}`);
    const ran = await look(put('cut.gz', packed.subarray(0, packed.length - 20)));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/damaged or ends early/);
    expect(ran.stdout).toContain('cut.gz:1:1: provider key');
  });

  it('finds what stands in a line without end once, wherever it is cut', async () => {
    const at = [0, 100_000, 114_680, 131_060, 131_100, 262_130, 400_000];
    const text = Buffer.alloc(500_000, ' ');
    for (const place of at) text.write(KEY, place, 'latin1');
    const ran = await look(put('one.log', text));
    expect(
      ran.stdout
        .trim()
        .split('\n')
        .map((line) => Number(/:1:(\d+):/.exec(line)?.[1]) - 1),
    ).toEqual(at);
  });

  it('several secrets in one line hide one another in their excerpts', async () => {
    const ran = await look(put('a.log', `a ${KEY}-one b ${KEY}-two c password=hunter2hunter2\n`));
    expect(ran.stdout.trim().split('\n')).toHaveLength(3);
    expect(ran.stdout).not.toMatch(/demo|hunter/);
  });

  it('lists a thousand and counts the rest', async () => {
    const ran = await look(put('a.log', `${KEY}\n`.repeat(1200)));
    expect(ran.stdout.split('\n').filter((line) => /:1: provider/.test(line))).toHaveLength(1000);
    expect(ran.stdout).toContain('and 200 more');
    expect(ran.stderr).toContain('1200 secrets');
  });

  it('reads standard input of the real command, and folders are said to be folders', async () => {
    mkdirSync(join(dir, 'logs'));
    const ran = await runProcess(['check', '--secrets', '-'], { stdin: `${PLAIN}${KEY}\n` });
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/^standard input:2:1: provider key/);
    expectSilent(ran, KEY);
    expect((await look(join(dir, 'logs'))).stderr).toContain('is a folder');
  });

  it('takes bounded memory over a log of 200 MB in one line and many', async () => {
    const { readLog } = await import('../src/log-reader.ts');
    async function* stream() {
      const chunk = Buffer.alloc(1 << 20, 'a');
      for (let i = 0; i < 200; i++) {
        if (i > 100) chunk[i] = 0x0a;
        yield chunk;
      }
    }
    let longest = 0;
    let characters = 0;
    for await (const { text, until } of readLog(stream())) {
      longest = Math.max(longest, text.length);
      characters += until;
    }
    expect(longest).toBeLessThanOrEqual(128 * 1024);
    expect(characters).toBeGreaterThan(199 << 20);
  });
});
