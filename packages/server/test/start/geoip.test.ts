/** `server.geoip_file` and `server.country_header` in the real program: starts, refusals, and a file that changes under way. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RelayAPIClient } from 'relayapi-sdk';
import { describe, expect, it } from 'vitest';
import { checkStart } from '../../src/runtime/node/check-start.ts';
import { writeCountries } from '../support/mmdb-writer.ts';
import { chatBody } from '../support/relay-fixture.ts';
import { putFile, runProcess, startFolder, startProcess } from '../support/server-process.ts';

const REAL = fileURLToPath(new URL('../fixtures/maxmind-db/GeoIP2-Country-Test.mmdb', import.meta.url));
const ARGV = ['-config', 'config.json'];

function prepare(server: object): string {
  const folder = startFolder();
  putFile(folder, 'config.json', { server: { port: 0, ...server }, admin: { enabled: false } });
  return folder;
}

/** Answer to a call for which the relay has no provider, once every check on the caller has passed. */
async function ask(folder: string, base: string, from: string): Promise<string> {
  const rai = JSON.parse(readFileSync(join(folder, 'default.rai'), 'utf8')) as object;
  const client = new RelayAPIClient({ ...rai, relay: base });
  const url = client.generateUrl({
    provider: 'nobody',
    apiKey: 'sk-demo-not-a-key',
    allowedCountries: ['GB'],
  });
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: chatBody(),
  });
  return ((await response.json()) as { error: { code: string } }).error.code;
}

describe('the program and its geoip file', () => {
  it('does not start without the file that config names: exit code 2, field, file and fix', async () => {
    const ended = await runProcess(prepare({ geoip_file: 'GeoLite2-Country.mmdb' }), ARGV);
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toBe(
      'relayapi-server: config.json $.server.geoip_file: names GeoLite2-Country.mmdb, which is not there; check the name and the working directory\n',
    );
  });

  it('judges by a real file, takes a new one while it runs, and keeps it when a worse one follows', async () => {
    const folder = prepare({ geoip_file: 'c.mmdb', trusted_proxies: ['127.0.0.1'] });
    const path = join(folder, 'c.mmdb');
    writeFileSync(path, readFileSync(REAL));
    const server = startProcess(folder, ARGV);
    const base = (await server.printed(/listening on (\S+)/))[1] as string;
    await server.printed(/GeoIP2-Country.*geoip file in use/);
    expect(await ask(folder, base, '81.2.69.160')).toBe('provider_unknown');
    expect(await ask(folder, base, '2a02:d3c0::1')).toBe('provider_unknown');
    expect(await ask(folder, base, '89.160.20.112')).toBe('ip_denied');
    expect(await ask(folder, base, '203.0.113.5')).toBe('ip_denied');

    // house: real time, the program's own clock looks at the file
    writeFileSync(
      join(folder, 'next.mmdb'),
      writeCountries({ '203.0.113.0/24': 'GB' }, { type: 'Next-Country' }),
    );
    renameSync(join(folder, 'next.mmdb'), path);
    await server.printed(/Next-Country.*geoip file reloaded/);
    expect(await ask(folder, base, '203.0.113.5')).toBe('provider_unknown');
    expect(await ask(folder, base, '81.2.69.160')).toBe('ip_denied');

    writeFileSync(path, 'not a database');
    server.child.kill('SIGHUP');
    await server.printed(/its last good state.*geoip file rejected/);
    expect(await ask(folder, base, '203.0.113.5')).toBe('provider_unknown');
    expect((await server.stop()).code).toBe(0);
  });

  it('says before the start what `relayapi check` says, and names the key that was meant', async () => {
    const folder = prepare({ geoip_file: '/nowhere/c.mmdb', contry_header: 'CF-IPCountry' });
    const config = join(folder, 'config.json');
    const options = { config, rai: null, env: {}, allowShared: false, raiGroupRead: false, secrets: false };
    const { problems } = await checkStart(options);
    const lines = problems.map(({ path, message, fix }) => `${path}: ${message}; ${fix}`);
    expect(lines).toEqual([
      expect.stringMatching(/contry_header.*country_header/),
      '$.server.geoip_file: names /nowhere/c.mmdb, which is not there; check the name and the working directory',
    ]);
    const ended = await runProcess(folder, ARGV);
    expect(ended.code).toBe(2);
    for (const { message } of problems) expect(ended.stderr).toContain(message);
  });

  it('warns of a country header that nobody is trusted to send, and starts', async () => {
    const server = startProcess(prepare({ country_header: 'CF-IPCountry' }), ARGV);
    await server.printed(/listening on/);
    expect((await server.stop()).stderr).toMatch(
      /\$\.server\.country_header: is believed from trusted proxies only/,
    );
  });
});
