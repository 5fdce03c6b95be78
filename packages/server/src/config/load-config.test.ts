import { describe, expect, it } from 'vitest';
import { CONFIG_KEYS } from './key-list.ts';
import { loadConfig } from './load-config.ts';

const encode = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

function load(
  file: unknown,
  env: Record<string, string | undefined> = {},
  flags: Record<string, string> = {},
) {
  return loadConfig({ file: { name: 'config.json', bytes: encode(file) }, env, flags });
}

const lines = (loaded: ReturnType<typeof load>) =>
  loaded.problems.map(({ source, path, message, fix }) => `${source} ${path}: ${message}; ${fix}`);

describe('where a value comes from', () => {
  it('is the command line before the environment, before the file, before the default', () => {
    const file = { server: { port: 1001 } };
    const env = { RELAYAPI_SERVER_PORT: '1002' };
    expect(load({}).config.server.port).toBe(8840);
    expect(load(file).config.server.port).toBe(1001);
    expect(load(file, env).config.server.port).toBe(1002);
    expect(load(file, env, { 'server.port': '1003' }).config.server.port).toBe(1003);
  });

  it('holds without any file', () => {
    const loaded = loadConfig({ file: null, env: {}, flags: {} });
    expect(loaded.problems).toEqual([]);
    expect(loaded.config.server.base_path).toBe('/relayapi/');
    expect(loaded.config.admin).toMatchObject({ enabled: true, host: '127.0.0.1', port: 8841 });
  });

  it('reads every kind of value from the environment', () => {
    const { config, problems } = load(
      {},
      {
        RELAYAPI_SERVER_DEBUG: 'true',
        RELAYAPI_SERVER_READ_TIMEOUT: '2.5',
        RELAYAPI_SERVER_PUBLIC_URL: 'https://relay.example.com/',
        RELAYAPI_SERVER_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
        RELAYAPI_UPSTREAM_ALLOW_PRIVATE: '["127.0.0.1:11434"]',
        RELAYAPI_STORE_SNAPSHOT: '',
        RELAYAPI_RATE_LIMIT_IP_LIMIT_REQUESTS_PER_SECOND: '3',
        RELAYAPI_PROVIDERS: '{"openai":{"base_url":"http://127.0.0.1:9999/v1"}}',
        RELAYAPI_VAULT: '{"main":{"provider":"openai","key_env":"OPENAI_API_KEY"}}',
      },
    );
    expect(problems).toEqual([]);
    expect(config.server).toMatchObject({
      debug: true,
      read_timeout: 2.5,
      public_url: 'https://relay.example.com/',
      trusted_proxies: ['10.0.0.0/8', '::1'],
    });
    expect(config.upstream.allow_private).toEqual(['127.0.0.1:11434']);
    expect(config.store.snapshot).toBeNull();
    expect(config.rate_limit.ip_limit.requests_per_second).toBe(3);
    expect(config.providers['openai']?.base_url).toBe('http://127.0.0.1:9999/v1');
    expect(config.vault['main']?.key_env).toBe('OPENAI_API_KEY');
  });

  it('takes an empty variable for unset', () => {
    expect(load({ server: { port: 1001 } }, { RELAYAPI_SERVER_PORT: '' }).config.server.port).toBe(1001);
  });

  it('gives each key an environment name of its own', () => {
    const names = CONFIG_KEYS.map((key) => key.env);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('RELAYAPI_SERVER_PORT');
  });

  it('is named in a problem: the file, the variable or the flag', () => {
    const loaded = load(
      { server: { read_timeout: -1 } },
      { RELAYAPI_SERVER_PORT: 'x' },
      { 'admin.port': '99999' },
    );
    expect(loaded.problems.map(({ source, path }) => [source, path])).toEqual(
      expect.arrayContaining([
        ['config.json', '$.server.read_timeout'],
        ['RELAYAPI_SERVER_PORT', '$.server.port'],
        ['-admin.port', '$.admin.port'],
      ]),
    );
  });
});

describe('a wrong config', () => {
  it('is answered with all of its problems at once, each with path and fix', () => {
    const found = lines(
      load({
        sever: {},
        server: { prot: 1, port: 'x', read_timeout: 99_999 },
        log: { level: 'inf' },
        vault: { main: { provider: 'openai' } },
        providers: {
          'Bad Name': {},
          own: { base_url: 'foo', endpoints: [{ method: 'POS', path: 'x' }], auth: { kind: 'head' } },
        },
        upstream: { allow_private: ['a', 'b:99999'] },
        store: { type: 'redis' },
      }),
    );
    expect(found).toEqual(
      expect.arrayContaining([
        'config.json $.sever: unknown key; did you mean "server"?; rename it to "server" or remove it',
        'config.json $.server.prot: unknown key; did you mean "port"?; rename it to "port" or remove it',
        'config.json $.server.port: must be a number, is "x"; write a number',
        'config.json $.server.read_timeout: must be at most 3600, is 99999; choose 3600 or less',
        'config.json $.log.level: must be one of "debug", "info", "warn", "error", is "inf"; write "info"',
        'config.json $.vault.main: names no key; add "key_env" (a variable) or "key_file" (a file of mode 0600)',
        expect.stringContaining('$.providers["Bad Name"]: this name must be lower case'),
        expect.stringContaining('$.providers.own.base_url: must be an absolute http or https URL'),
        expect.stringContaining('$.providers.own.endpoints[0].method: must be one of "GET"'),
        expect.stringContaining('$.providers.own.endpoints[0].path: must be a path'),
        'config.json $.providers.own.auth.kind: must be "none" or "header", is "head"; write "none" or "header"',
        expect.stringContaining('$.upstream.allow_private[0]: must be host:port'),
        expect.stringContaining('$.upstream.allow_private[1]: has a port that does not exist'),
        expect.stringContaining('$.store.type: the redis store is not in this release'),
      ]),
    );
    expect(found).toHaveLength(14);
  });

  it('still gives a usable config, so that the rest of a start can be checked', () => {
    const { config } = load({ server: { port: 'x', host: '::1' }, vault: 7 });
    expect(config.server).toMatchObject({ port: 8840, host: '::1' });
    expect(config.vault).toEqual({});
  });

  it('is named by line and column when it is not JSON', () => {
    expect(lines(load('{"server": {\n  "port": 1,,\n}}'))).toEqual([
      'config.json $: is not JSON (line 2, column 13); look for a missing comma, quote or bracket there; comments are not JSON',
    ]);
  });

  it.each([
    ['a name that stands twice', '{"server":{"port":1,"port":2}}', 'the same name stands twice'],
    ['a byte order mark', '\ufeff{}', 'byte order mark'],
    ['a list instead of an object', '[]', 'must hold one object'],
    ['nothing at all', '', 'is not JSON'],
  ])('%s is refused', (_name, text, message) => {
    expect(lines(load(text))[0]).toContain(message);
  });

  it.each(['__proto__', 'constructor', 'toString'])('a key named %s does no harm', (name) => {
    const loaded = load(`{"${name}":{"port":1},"providers":{"${name}":{}}}`);
    expect(loaded.problems.length).toBeGreaterThan(0);
    expect(loaded.config.server.port).toBe(8840);
  });

  it('does not repeat long texts, which may be secrets put in the wrong place', () => {
    const [problem] = load({ server: { port: 'sk-demo-not-a-key-but-long-enough' } }).problems;
    expect(problem?.message).toBe('must be a number, is a text');
  });

  it('explains the variable that Kubernetes sets for a Service of the same name', () => {
    const [problem] = load({}, { RELAYAPI_SERVER_PORT: 'tcp://10.0.0.1:8840' }).problems;
    expect(problem?.fix).toContain('enableServiceLinks');
  });
});

describe('keys seen together', () => {
  it.each([
    ['an admin listener off loopback needs a secret', { admin: { host: '0.0.0.0' } }, '$.admin.host'],
    ['an admin listener on the port of the relay', { admin: { port: 8840 } }, '$.admin.port'],
    [
      'a proxy that is no address',
      { server: { trusted_proxies: ['10.0.0.0/8', 'proxy.internal'] } },
      '$.server.trusted_proxies[1]',
    ],
    ['two secrets', { admin: { secret_env: 'A', secret_file: 'b' } }, '$.admin.secret_file'],
    [
      'a vault entry with two keys',
      { vault: { a: { provider: 'openai', key_env: 'A', key_file: 'b' } } },
      '$.vault.a',
    ],
    [
      'a credential part in two places',
      { vault: { a: { provider: 'x', credential_env: { id: 'A' }, credential_file: { id: 'b' } } } },
      '$.vault.a.credential_file.id',
    ],
  ])('%s', (_name, file, path) => {
    expect(load(file).problems.map((problem) => problem.path)).toEqual([path]);
  });

  it('an admin listener off loopback with a secret is fine, and so is none at all', () => {
    expect(load({ admin: { host: '0.0.0.0', secret_env: 'ADMIN_SECRET' } }).problems).toEqual([]);
    expect(load({ admin: { enabled: false, host: '0.0.0.0', port: 8840 } }).problems).toEqual([]);
  });
});

describe('files that people already have', () => {
  it("loads the predecessor's file, and says which parts do nothing", () => {
    const loaded = load({
      server: {
        host: '0.0.0.0',
        port: 8080,
        read_timeout: 30,
        write_timeout: 30,
        max_header_bytes: 1_048_576,
        debug: false,
      },
      log: {
        console: true,
        database: { enabled: false, type: 'postgres', connection_string: 'postgres://u:p@localhost/db' },
        web: { enabled: false, callback_url: 'http://example.com/log' },
        parquet: { enabled: false, file_path: '/logs/output.parquet' },
      },
      rate_limit: { requests_per_second: 10, burst: 20, ip_limit: { requests_per_second: 2, burst: 4 } },
    });
    expect(loaded.problems).toEqual([]);
    expect(loaded.warnings.map((warning) => warning.path)).toEqual([
      '$.log.database',
      '$.log.web',
      '$.log.parquet',
    ]);
    expect(JSON.stringify(loaded.warnings)).not.toContain('u:p@');
  });

  it('accepts $schema', () => {
    expect(load({ $schema: './docs/config.schema.json' }).problems).toEqual([]);
  });

  it('warns of a variable that names no key, and leaves other programs’ alone', () => {
    const { warnings } = load({}, { RELAYAPI_SERVER_PROT: '1', RELAYAPI_REPO: 'x', HOME: '/' });
    expect(warnings.map(({ source, message }) => [source, message])).toEqual([
      ['RELAYAPI_SERVER_PROT', 'no key has this name; did you mean RELAYAPI_SERVER_PORT?'],
    ]);
  });

  it('warns of keys that wait for a later release', () => {
    const { warnings } = load({ server: { geoip_file: 'x.mmdb' }, store: { url: 'redis://x' } });
    expect(warnings.map((warning) => warning.path)).toEqual(['$.store.url']);
  });

  it('warns of a country header that nobody is trusted to send, and says what to do', () => {
    const header = { country_header: 'CF-IPCountry' };
    const { warnings, problems, config } = load({ server: header });
    expect(problems).toEqual([]);
    expect(config.server.country_header).toBe('CF-IPCountry');
    expect(warnings).toEqual([
      expect.objectContaining({
        path: '$.server.country_header',
        fix: 'list the proxy’s address in "trusted_proxies"',
      }),
    ]);
    expect(load({ server: { ...header, trusted_proxies: ['10.0.0.1'] } }).warnings).toEqual([]);
    expect(load({ server: { geoip_file: 'x.mmdb' } }).warnings).toEqual([]);
  });

  it.each(['CF-IPCountry: DE', 'a b', '', '"x"', 'x'.repeat(129), 'x\r\ny', 'Länd'])(
    'takes no header name like %j',
    (name) => {
      const { problems, config } = load({ server: { country_header: name } });
      expect(problems.map(({ path, message }) => [path, message])).toEqual([
        ['$.server.country_header', 'must be the name of a header alone, such as "CF-IPCountry"'],
      ]);
      expect(config.server.country_header).toBeNull();
    },
  );

  it('takes the two country keys from the environment, and names the key that was meant', () => {
    const env = { RELAYAPI_SERVER_COUNTRY_HEADER: 'X-Country', RELAYAPI_SERVER_GEOIP_FILE: '/geo/c.mmdb' };
    expect(load({}, env).config.server).toMatchObject({
      country_header: 'X-Country',
      geoip_file: '/geo/c.mmdb',
    });
    const { problems } = load({ server: { contry_header: 'X', geoip_db: 'x.mmdb', geoip_fle: 'y.mmdb' } });
    const said = problems.map(({ message, fix }) => `${message} ${fix}`).join('\n');
    expect(said).toMatch(/country_header/);
    expect(said).toMatch(/geoip_file/);
  });

  it('warns of a public address that is plain http', () => {
    expect(load({ server: { public_url: 'http://relay.example.com' } }).warnings).toHaveLength(1);
    expect(load({ server: { public_url: 'http://127.0.0.1:8840' } }).warnings).toHaveLength(0);
  });
});
