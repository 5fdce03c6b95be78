/**
 * docs/guides/secrets-in-logs.md on a real access log: what nginx writes by itself is found, what it writes with the guide's masking is clean.
 * house: real time, since another program writes the log.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRai } from 'relayapi-token';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PROXY_PROGRAMS } from '../support/proxy-programs.ts';
import { startRelay, UPSTREAM_KEY } from '../support/relay-fixture.ts';
import { postTls } from '../support/tls-post.ts';

const CLI = new URL('../../../cli/src/main.ts', import.meta.url).pathname;
const nginx = PROXY_PROGRAMS.find(({ name }) => name === 'nginx');

function check(...args: string[]): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [
      '--conditions=relayapi-source',
      CLI,
      'check',
      '--secrets',
      ...args,
    ]);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (said += text));
    child.on('close', (code) => resolve({ code, said }));
  });
}

describe('a real access log of nginx', () => {
  beforeEach((context) => context.skip(!nginx?.command, 'nginx is missing'));

  it.each([
    ['without masking: every token is found and named', true],
    ['with the guide’s masking: nothing is found', false],
  ])('%s', async (_what, plainLog) => {
    const relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
    const proxy = await (nginx as NonNullable<typeof nginx>).start(relay.port, { plainLog });
    const token = relay.token();
    try {
      for (const path of [
        `/relayapi/${token}/v1/chat/completions`,
        `/relayapi/${token}/v1/models?key=${UPSTREAM_KEY}`,
        '/health',
      ])
        await postTls(proxy, path);
      await vi.waitFor(() => expect(proxy.accessLog().trim().split('\n')).toHaveLength(3));
      const folder = mkdtempSync(join(tmpdir(), 'relayapi-log-'));
      const log = join(folder, 'access.log');
      writeFileSync(log, proxy.accessLog());
      const { code, said } = await check(log);
      expect(said).not.toContain(token.slice(-40));
      expect(said).not.toContain(UPSTREAM_KEY);
      expect(code).toBe(plainLog ? 1 : 0);
      if (plainLog) {
        expect(said).toMatch(/access\.log:1:\d+: token of key \S+: .*\/relayapi\/\[…\]\/v1\/chat/);
        expect(said).toMatch(/access\.log:2:\d+: (?:named secret|provider key)/);
        expect(said).toMatch(/3 secrets stand in clear/);
      } else expect(said).toMatch(/3 lines, no key and no token found/);
    } finally {
      await proxy.stop();
      await relay.close();
    }
  });

  it('the guide’s table of exit codes and its commands are the command’s', async () => {
    const guide = readFileSync(
      new URL('../../../../docs/guides/secrets-in-logs.md', import.meta.url),
      'utf8',
    );
    expect(guide).toContain('relayapi check --secrets -');
    const folder = mkdtempSync(join(tmpdir(), 'relayapi-log-'));
    const rai = join(folder, 'relay.rai');
    const { shared } = createRai({ method: 'aes', relay: 'http://127.0.0.1:1/relayapi/', role: 'shared' });
    writeFileSync(rai, JSON.stringify(shared), { mode: 0o600 });
    const log = join(folder, 'relay.log');
    writeFileSync(log, 'a line\n');
    expect((await check('--rai', rai, log)).code).toBe(0);
    expect((await check(join(folder, 'none'))).code).toBe(1);
    expect((await check()).code).toBe(2);
  });
});
