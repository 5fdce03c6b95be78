/**
 * JSON parsers that are not ours, asked what a body says: its models and its ceilings, each by its own lookup. One process per
 * language for all bodies. Between them: first and last member wins, names with and without case, strict and lenient grammar.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { requireTool } from '../../../token/test/support/require-tool.ts';

/** What one parser reads in one body: every model it names, every ceiling. */
export interface Said {
  readonly models: readonly unknown[];
  readonly limits: readonly unknown[];
}

/** What one parser makes of each body; null where it refuses the body. */
export interface Reading {
  readonly parser: string;
  readonly said: readonly (Said | null)[];
}

const READERS = join(import.meta.dirname, 'readers');
const GO = ['/usr/local/go/bin/go', '/usr/bin/go'].find(existsSync);

/** Asks every parser that is there. Those of Debian's packages must be under RELAYAPI_TEST_REQUIRE=all; Go is asked where the machine has it, unless `go` is false: it costs a build. */
export async function readByAll(
  bodies: readonly Uint8Array[],
  options: { readonly go?: boolean } = {},
): Promise<readonly Reading[]> {
  const input = JSON.stringify(bodies.map((body) => Buffer.from(body).toString('base64')));
  const [python, perl, jq, go] = await Promise.all([
    requireTool('python3', 'python3', ['--version']) ? ask('python3', ['read.py'], input) : null,
    requireTool('JSON::PP', 'perl', ['-MJSON::PP', '-e', '1']) ? ask('perl', ['read.pl'], input) : null,
    requireTool('jq', 'jq', ['--version']) ? ask('jq', ['-c', '-f', 'read.jq'], input) : null,
    GO === undefined || options.go === false ? null : askGo(GO, input),
  ]);
  const readings: [string, unknown][] = [
    ['JSON.parse', bodies.map(byPlatform)],
    ['sqlite', bySqlite(bodies)],
    ...Object.entries((python ?? {}) as object),
    ['JSON::PP', perl],
    ['jq', jq],
    ["Go's encoding/json", go],
  ];
  return readings
    .filter(([parser, said]) => (said ?? null) !== null || missing(parser))
    .map(([parser, said]) => ({ parser, said: said as Reading['said'] }));
}

/** Always false; throws where a missing parser is a failure. */
function missing(parser: string): false {
  if (process.env['RELAYAPI_TEST_REQUIRE'] === 'all' && !parser.startsWith('Go')) {
    throw new Error(`${parser} is required and not there`);
  }
  if (!parser.startsWith('Go') || GO === undefined) console.warn(`skipped: ${parser} is not installed`);
  return false;
}

function ask(command: string, args: readonly string[], input: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { cwd: READERS, maxBuffer: 1 << 28, timeout: 60_000 },
      (error, stdout) => (error ? reject(error) : resolve(JSON.parse(stdout))),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

async function askGo(go: string, input: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'relayapi-reader-'));
  const program = join(folder, 'read');
  try {
    await new Promise<void>((resolve, reject) =>
      execFile(
        go,
        ['build', '-o', program, 'read.go'],
        {
          cwd: READERS,
          timeout: 180_000,
          env: { ...process.env, GOFLAGS: '', GO111MODULE: 'off', CGO_ENABLED: '0' },
        },
        (error) => (error ? reject(error) : resolve()),
      ),
    );
    return await ask(program, [], input);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function byPlatform(body: Uint8Array): Said | null {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object') return { models: [], limits: [] };
  const own = (of: unknown, name: string): unknown =>
    typeof of === 'object' && of !== null && Object.hasOwn(of, name)
      ? (of as Record<string, unknown>)[name]
      : null;
  const tools = own(value, 'tools');
  const models = [
    own(value, 'model'),
    ...(Array.isArray(tools) ? tools.map((tool) => own(tool, 'model')) : []),
    own(own(value, 'moderation'), 'model'),
  ];
  const limits = ['max_tokens', 'max_completion_tokens', 'n'].map((name) => own(value, name));
  return {
    models: models.filter((model) => model !== null),
    limits: limits.filter((limit) => limit !== null),
  };
}

/** SQLite's json_extract: the first member wins, and JSON5 is taken. */
function bySqlite(bodies: readonly Uint8Array[]): (Said | null)[] {
  const database = new DatabaseSync(':memory:');
  const one = database.prepare(
    `SELECT json_extract(?1, '$.model') model, json_extract(?1, '$.moderation.model') moderation,
      json_extract(?1, '$.max_tokens') a, json_extract(?1, '$.max_completion_tokens') b, json_extract(?1, '$.n') c`,
  );
  const list = database.prepare(
    `SELECT json_extract(value, '$.model') model FROM json_each(?1, '$.tools') WHERE type = 'object'`,
  );
  const said = bodies.map((body) => {
    const text = Buffer.from(body).toString('utf8');
    try {
      const row = one.get(text) as Record<string, unknown>;
      const tools = list.all(text).map((item) => item['model']);
      return {
        models: [row['model'], row['moderation'], ...tools].filter((model) => model !== null),
        limits: [row['a'], row['b'], row['c']].filter((limit) => limit !== null),
      };
    } catch {
      return null;
    }
  });
  database.close();
  return said;
}
