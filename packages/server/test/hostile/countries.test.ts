/** `countries` on both ways into the relay: every row of the corpus, and what stands around the check. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/address.ts';
import { createFetchApp } from '../../src/runtime/fetch/fetch-app.ts';
import { openCountryDatabase } from '../../src/runtime/node/country-database.ts';
import { writeCountries } from '../support/mmdb-writer.ts';
import { chatBody, RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { ALIASES, CASES, COUNTRIES, type Lines, SETUPS } from './countries.cases.ts';

function openFile() {
  const database = openCountryDatabase(writeCountries(COUNTRIES, { aliases: ALIASES }));
  if ('problem' in database) throw new Error(database.problem.message);
  return database;
}

/** `passes`, or status and code of the refusal. Each value of a list is a header line of its own. */
function call(url: string, lines: Lines): Promise<string> {
  return new Promise((resolve, reject) => {
    const body = chatBody();
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length), ...lines };
    const sent = request(
      `${url}/v1/chat/completions`,
      { method: 'POST', headers: headers as unknown as Record<string, string | string[]> },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          if (response.statusCode === 200) return resolve('passes');
          resolve(`${response.statusCode} ${(JSON.parse(text) as { error: { code: string } }).error.code}`);
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

describe.each(RELAY_PATHS)('countries on the %s path', (path) => {
  const relays = new Map<string, RelayFixture>();
  beforeAll(async () => {
    for (const [name, server] of Object.entries(SETUPS)) {
      const ports = 'geoip_file' in server ? { countryLookup: openFile() } : {};
      relays.set(name, await startRelay({ path, config: { server }, ports }));
    }
  });
  afterAll(async () => {
    for (const relay of relays.values()) await relay.close();
  });

  it.each(CASES.map((row) => [row[0], row[1], row] as const))('%s: %s', async (_setup, _what, row) => {
    const [setup, , lines, expected, more = {}] = row;
    const relay = relays.get(setup) as RelayFixture;
    relay.demo.reset();
    const { countries = ['DE'], ips } = more;
    const url = relay.url({ allowedCountries: countries, ...(ips && { allowedIps: ips }) });
    expect(await call(url, lines)).toBe(expected);
    expect(relay.demo.requests.length).toBe(expected === 'passes' ? 1 : 0);
  });

  it('judges each request anew, though the token stays open, and takes no call for a refusal', async () => {
    const relay = relays.get('header') as RelayFixture;
    const url = relay.url({ allowedCountries: ['DE'], maxCalls: 2 });
    const seen: string[] = [];
    for (const country of ['DE', 'FR', 'XX', 'DE', 'DE'])
      seen.push(await call(url, { 'cf-ipcountry': country }));
    expect(seen).toEqual(['passes', '403 ip_denied', '403 ip_denied', 'passes', '402 calls_exhausted']);
  });

  it('judges by the file that is in use at the moment', async () => {
    const answers = ['DE', 'FR', null, 'DE'];
    const countryLookup = { find: () => answers.shift() ?? null };
    const relay = await startRelay({
      path,
      config: { server: SETUPS['file, no proxy'] },
      ports: { countryLookup },
    });
    const url = relay.url({ allowedCountries: ['DE'] });
    const seen = [await call(url, {}), await call(url, {}), await call(url, {}), await call(url, {})];
    expect(seen).toEqual(['passes', '403 ip_denied', '403 ip_denied', 'passes']);
    await relay.close();
  });

  it('lets tokens without the claim pass, whatever the header says, and never asks the file', async () => {
    let asked = 0;
    const countryLookup = {
      find: () => {
        asked += 1;
        return null;
      },
    };
    const relay = await startRelay({ path, config: { server: SETUPS.both }, ports: { countryLookup } });
    expect(await call(relay.url(), { 'cf-ipcountry': ['XX', 'T1'] })).toBe('passes');
    expect(asked).toBe(0);
    await relay.close();
  });

  it('tells the operator which country was refused, and the caller only which claim', async () => {
    const relay = relays.get('header') as RelayFixture;
    relay.lines.length = 0;
    const response = await fetch(`${relay.url({ allowedCountries: ['DE'] })}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'cf-ipcountry': 'FR' },
      body: chatBody(),
    });
    const text = await response.text();
    expect(JSON.parse(text).error).toMatchObject({ code: 'ip_denied', param: 'countries' });
    expect(text).not.toMatch(/\b(?:FR|DE)\b/);
    expect(JSON.stringify(relay.lines)).toContain('country FR');
  });

  it('sends the header to no provider', async () => {
    const relay = relays.get('header') as RelayFixture;
    relay.demo.reset();
    await call(relay.url({ allowedCountries: ['DE'] }), { 'cf-ipcountry': 'DE' });
    expect(relay.demo.requests).toHaveLength(1);
    expect(JSON.stringify(relay.demo.requests).toLowerCase()).not.toContain('ipcountry');
  });

  it('refuses with claim_not_allowed a token without the claim where the key file requires it', async () => {
    const relay = await startRelay({
      path,
      config: { server: SETUPS.header },
      allow: { require: ['countries'] },
    });
    expect(await call(relay.url(), { 'cf-ipcountry': 'DE' })).toBe('403 claim_not_allowed');
    expect(await call(relay.url({ allowedCountries: ['DE'] }), { 'cf-ipcountry': 'DE' })).toBe('passes');
    await relay.close();
  });
});

describe('a runtime that reads no files', () => {
  it('does not start with a geoip_file, rather than leave it out', async () => {
    const relay = await startRelay();
    const rai = { 'relay.rai': relay.files.relay };
    const server = { geoip_file: 'countries.mmdb' };
    await expect(createFetchApp({ config: { server }, rai })).rejects.toThrow(/geoip_file.*country_header/);
    await relay.close();
  });

  it('believes no header where it does not know the peer', async () => {
    const relay = await startRelay();
    const app = await createFetchApp({
      config: { server: SETUPS.header },
      rai: { 'relay.rai': relay.files.relay },
    });
    const ask = (info?: { remoteAddress: string }) =>
      app.fetch(
        new Request(`${relay.url({ allowedCountries: ['DE'] })}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'cf-ipcountry': 'DE', 'content-type': 'application/json' },
          body: chatBody(),
        }),
        info,
      );
    expect((await (await ask()).json()).error.code).toBe('ip_denied');
    expect((await (await ask({ remoteAddress: '203.0.113.9' })).json()).error.code).toBe('ip_denied');
    // past the check: this relay has no such provider
    expect((await (await ask({ remoteAddress: '127.0.0.1' })).json()).error.code).toBe('provider_unknown');
    await app.instance.close();
    await relay.close();
  });
});

describe('the corpus', () => {
  it('has its traps in the file: embedded addresses do lead somewhere', () => {
    const database = openFile();
    for (const text of ['2002:cb00:7105::1', '2001:0:cb00:7105::1', '64:ff9b::cb00:7105', '::203.0.113.5']) {
      const address = parseAddress(text);
      if (address === null) throw new Error(text);
      expect(database.find(address), text).toBe('DE');
    }
  });
});
