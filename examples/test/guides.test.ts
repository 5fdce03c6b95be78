/** The guides' code: TypeScript blocks compile, command lines run, and what the agents send passes through a relay in both modes. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RelayAPIClient } from 'relayapi-sdk';
import { createRai } from 'relayapi-token';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type StandInRelay, startRelayFor } from './support/demo-relay.ts';

const KEY = 'sk-demo-not-a-key-of-the-guides';
const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = join(root, 'packages/cli/src/main.ts');

let relay: StandInRelay;
let client: RelayAPIClient;
beforeAll(async () => {
  relay = await startRelayFor(['demo', 'openai', 'anthropic', 'google']);
  client = new RelayAPIClient(relay.raiFile);
}, 60_000);
afterAll(() => relay?.stop());
beforeEach(() => relay.demo.reset());

function listBlocks(path: string, fence: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === fence)
    .map(([, , code]) => code ?? '');
}

describe('code blocks marked "ts check"', () => {
  it('compile against the official SDK', () => {
    const blocks = ['quick-start', 'browser-caller'].flatMap((name) =>
      listBlocks(`docs/guides/${name}.md`, 'ts check'),
    );
    expect(blocks).toHaveLength(3);
    const folder = mkdtempSync(join(root, 'examples/node-backend-browser/.blocks-'));
    try {
      mkdirSync(folder, { recursive: true });
      for (const [index, block] of blocks.entries())
        writeFileSync(join(folder, `block${index}.ts`), `${block}\nexport {};\n`);
      const config = {
        extends: '../../../tsconfig.base.json',
        compilerOptions: { types: ['node'], lib: ['ES2024', 'DOM'] },
        include: ['*.ts'],
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      expect(execFileSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('command lines that mint', () => {
  const pages = [
    'docs/guides/quick-start.md',
    'docs/guides/agents.md',
    'examples/python-header-mode/README.md',
  ];
  const lines = pages.flatMap((path) =>
    listBlocks(path, 'sh')
      .flatMap((block) => block.split('\n'))
      .filter((line) => /relayapi (url|token) /.test(line))
      .map((line) => [path, line] as const),
  );

  it('are there', () => expect(lines.length).toBeGreaterThanOrEqual(4));

  it.each(lines)('%s: %s', (_path, line) => {
    const command = line
      .replace(/^export RELAY_TOKEN=\$\((.*)\)$/, '$1')
      .replace(
        /(?:\S*get_relayapi\.sh exec )?relayapi (?=url|token)/,
        `"$NODE" --conditions=relayapi-source "$CLI" `,
      )
      .replace(/--rai \S+/, `--rai "$RAI"`);
    const env = {
      PATH: process.env['PATH'],
      NODE: process.execPath,
      CLI: cli,
      RAI: relay.raiFile,
      OPENAI_API_KEY: KEY,
      UPSTREAM_KEY: KEY,
    };
    const printed = execFileSync('sh', ['-c', command], { env, encoding: 'utf8', cwd: root });
    expect(printed).toMatch(
      / url /.test(line) ? /^http:\/\/127\.0\.0\.1:\d+\/relayapi\/\S+\n$/ : /^[\w-]+(\.[\w-]+){4}\n$/,
    );
    expect(printed).not.toContain(KEY);
  });
});

describe('docs/guides/behind-a-proxy.md', () => {
  it.each([
    ['aes', 500, 1000],
    ['ecc', 1000, 1700],
  ] as const)('says how long a sealed URL is (%s)', (method, least, most) => {
    const host = 'https://relay.example.com/relayapi/';
    const pair = createRai({ method, relay: host, iss: 'shop' });
    if (!('issuer' in pair)) throw new Error('a pair was asked for');
    const minter = new RelayAPIClient(pair.issuer);
    const short = minter.generateUrl({ apiKey: 'k'.repeat(51) });
    const long = minter.generateUrl({
      apiKey: 'k'.repeat(164),
      subject: 'user-42',
      rateLimit: { requests: 10, perSeconds: 60 },
      allowedModels: ['gpt-4o-mini'],
      allowedPaths: ['POST /chat/completions'],
      allowedOrigins: ['https://app.example.com'],
      set: { model: 'gpt-4o-mini' },
      cap: { max_tokens: 1024 },
    });
    expect(short.length).toBeGreaterThan(least);
    expect(long.length).toBeLessThan(most);
  });
});

/** Bodies as large as the agents send them. */
const filler = (bytes: number) => 'You are a careful agent. '.repeat(Math.ceil(bytes / 25));

describe.each(['header', 'path'] as const)('agents in %s mode', (mode) => {
  /** Address and key as the guide says to set them. */
  function doors(provider: string): { base: string; key: string } {
    const options = { provider, apiKey: KEY, maxCalls: 50 };
    if (mode === 'path') return { base: client.generateUrl(options), key: 'relay' };
    return { base: `${relay.origin}/relayapi/-`, key: client.generateToken(options) };
  }
  const post = (url: string, headers: Record<string, string>, body: object) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  it('Claude Code: messages with its betas, its probe, and both keys at once', async () => {
    const { base, key } = doors('anthropic');
    const headers = {
      authorization: `Bearer ${key}`,
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14',
      'x-app': 'cli',
    };
    const body = {
      model: 'claude-sonnet-4-5',
      max_tokens: 100,
      stream: true,
      system: [{ type: 'text', text: filler(86_000), cache_control: { type: 'ephemeral' } }],
      messages: [{ role: 'user', content: 'Good morning, agent' }],
    };
    const answer = await post(`${base}/v1/messages?beta=true`, headers, body);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('message_stop');
    const [sent] = relay.demo.requests;
    expect(sent?.rawTarget).toBe('/v1/messages?beta=true');
    expect(sent?.headers['x-api-key']).toBe(KEY);
    expect(sent?.headers['anthropic-beta']).toBe(headers['anthropic-beta']);
    const both = await post(`${base}/v1/messages?beta=true`, { ...headers, 'x-api-key': 'sk-other' }, body);
    expect(both.status).toBe(200);
    const probe = await fetch(`${base}/api/hello`, { method: 'HEAD', headers });
    expect([403, 404]).toContain(probe.status);
    const doubled = await post(`${base}/v1/v1/messages`, headers, body);
    expect(doubled.status).toBe(200);
  });

  it('Codex: responses after a WebSocket that is answered with 426', async () => {
    const { base, key } = doors('openai');
    const headers: Record<string, string> = mode === 'header' ? { authorization: `Bearer ${key}` } : {};
    const upgrade = await new Promise<number | undefined>((resolve, reject) => {
      request(`${base}/v1/responses`, {
        headers: {
          ...headers,
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        },
      })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(upgrade).toBe(426);
    const answer = await post(
      `${base}/v1/responses`,
      { ...headers, 'session-id': 's1', originator: 'codex_cli_rs' },
      {
        model: 'gpt-5-codex',
        instructions: filler(40_000),
        input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Good morning' }] }],
        include: ['reasoning.encrypted_content'],
        store: false,
        stream: true,
      },
    );
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('response.completed');
    expect(relay.demo.requests.map(({ rawTarget }) => rawTarget)).toEqual(['/v1/responses']);
    expect(relay.demo.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('Gemini CLI: streams with its key header, also beside a bearer', async () => {
    const { base, key } = doors('google');
    const body = { contents: [{ role: 'user', parts: [{ text: 'Good morning, gemini' }] }] };
    const url = `${base}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse`;
    for (const headers of [{}, { authorization: `Bearer ${key}` }]) {
      const answer = await post(url, { 'x-goog-api-key': key, ...headers }, body);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('candidates');
    }
    expect(relay.demo.requests[0]?.rawTarget).toBe(
      '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    );
    expect(relay.demo.requests[0]?.headers['x-goog-api-key']).toBe(KEY);
  });
});
