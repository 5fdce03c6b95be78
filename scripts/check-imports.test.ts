// The import matrix bites: one planted violation per class of rule, in a copy of the repository's shape.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkImports, type ImportReport } from './check-imports.ts';
import { IMPORT_RULES, roomOf } from './import-rules.ts';

const roots: string[] = [];

/** A folder shaped like the repository, with the given files; workspace packages and two npm packages resolve in it. */
function makeTree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'relayapi-imports-'));
  roots.push(root);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('package.json', '{"name":"root","type":"module"}');
  for (const [folder, name] of [
    ['token', 'relayapi-token'],
    ['server', 'relayapi-server'],
    ['sdk-node', 'relayapi-sdk'],
    ['demo-provider', 'relayapi-demo-provider'],
  ]) {
    write(
      `packages/${folder}/package.json`,
      JSON.stringify({
        name,
        type: 'module',
        exports: { '.': { 'relayapi-source': './src/index.ts' } },
        dependencies: { hono: '*', undici: '*', commander: '*' },
      }),
    );
    write(`packages/${folder}/src/index.ts`, 'export const one = 1;\n');
  }
  for (const name of ['hono', 'undici', 'commander']) {
    write(`node_modules/${name}/package.json`, `{"name":"${name}","type":"module","exports":"./index.js"}`);
    write(`node_modules/${name}/index.js`, 'export const one = 1;\n');
  }
  for (const [path, text] of Object.entries(files)) write(path, text);
  for (const [folder, name] of [
    ['token', 'relayapi-token'],
    ['server', 'relayapi-server'],
    ['demo-provider', 'relayapi-demo-provider'],
  ] as const) {
    // as pnpm does
    symlinkSync(join(root, 'packages', folder), join(root, 'node_modules', name));
  }
  return root;
}

const S = 'packages/server/src';
const uses = (path: string) => `import { one } from '${path}';\nexport const two = one;\n`;
const usesType = (path: string) => `import type { One } from '${path}';\nexport interface Two { one: One }\n`;

/** Rule, the file that breaks it, its text. Each stands alone in the tree: no file serves two rows. */
const PLANTED: readonly [rule: string, from: string, text: string][] = [
  ['leaves-import-nothing', `${S}/usage.ts`, usesType('./clock.ts')],
  ['leaves-import-nothing', `${S}/secret-formats.ts`, uses('undici')],
  ['late-lru-wraps-a-library', `${S}/late-lru.ts`, uses('undici')],
  ['json-edit-knows-json', `${S}/json-edit.ts`, uses('./errors.ts')],
  ['redact-knows-formats', `${S}/redact.ts`, uses('undici')],
  ['leaves-import-nothing', `${S}/address.ts`, usesType('./errors.ts')],
  [
    'io-names-denials',
    `${S}/io.ts`,
    `${usesType('./clock.ts')}export const one = 1;\nexport type One = number;\n`,
  ],
  ['exchange-knows-words', `${S}/exchange.ts`, uses('./ingress/ingress.ts')],
  ['interfaces-import-leaves', `${S}/stores/store.ts`, uses('./memory.ts')],
  ['ports-import-leaves', `${S}/forwarding/transport.ts`, uses('undici')],
  ['base-headers-import-leaves', `${S}/base-headers.ts`, uses('./ingress/ingress.ts')],
  ['shelves-are-strangers', `${S}/dialects/gemini.ts`, usesType('../providers/provider.ts')],
  ['shelves-are-strangers', `${S}/providers/auth.ts`, uses('../policy/policy.ts')],
  ['credentials-know-schemes', `${S}/credentials/sigv4.ts`, uses('../forwarding/transport.ts')],
  ['forwarding-makes-credentials', `${S}/routing/credential.ts`, usesType('../credentials/credential.ts')],
  ['stages-are-strangers', `${S}/policy/origin.ts`, uses('../ingress/ingress.ts')],
  ['stages-are-strangers', `${S}/metering/tap.ts`, usesType('../dialects/gemini.ts')],
  ['stages-are-strangers', `${S}/routing/route.ts`, uses('../relay.ts')],
  ['stages-are-strangers', `${S}/accounting/settle.ts`, uses('../config/config.ts')],
  ['stages-are-strangers', `${S}/forwarding/headers.ts`, uses('../runtime/node/listener.ts')],
  ['judge-config-knows-registry', `${S}/judge-config.ts`, uses('./policy/policy.ts')],
  ['spine-knows-entries', `${S}/relay.ts`, uses('./policy/origin.ts')],
  ['config-composes-options', `${S}/config/config.ts`, uses('../policy/policy.ts')],
  ['root-stays-portable', `${S}/create-relay.ts`, uses('./http/app.ts')],
  ['http-is-a-shell', `${S}/http/health.ts`, uses('../policy/policy.ts')],
  ['page-is-a-browser', `${S}/http/page/chat.ts`, uses('../app.ts')],
  ['runtimes-are-edges', `${S}/runtime/node/files.ts`, uses('../../policy/policy.ts')],
  ['runtimes-are-edges', `${S}/runtime/fetch/worker.ts`, uses('../node/listener.ts')],
  ['render-error-knows-dialects', `${S}/render-error.ts`, uses('./policy/policy.ts')],
  [
    'node-only-at-the-edge',
    `${S}/ingress/read.ts`,
    "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
  ],
  [
    'node-only-at-the-edge',
    'packages/token/src/bytes.ts',
    "import { hash } from 'node:crypto';\nexport const sha = hash;\n",
  ],
  ['token-stands-alone', 'packages/token/src/claims.ts', uses('relayapi-server')],
  ['sdk-imports-token-only', 'packages/sdk-node/src/client.ts', uses('relayapi-server')],
  ['demo-provider-stands-alone', 'packages/demo-provider/src/start.ts', uses('relayapi-token')],
  ['cli-imports-entries', 'packages/cli/src/check.ts', uses('../../server/src/config/config.ts')],
  ['server-imports-token-only', `${S}/observability/log.ts`, uses('../../../sdk-node/src/client.ts')],
  ['demo-only-in-runtime', `${S}/http/try.ts`, uses('relayapi-demo-provider')],
  ['index-is-for-others', `${S}/translation/set.ts`, uses('../index.ts')],
  ['no-tests-in-production', `${S}/translation/cap.ts`, uses('./cap.test.ts')],
  ['no-cycles', `${S}/observability/a.ts`, usesType('./b.ts')],
  ['resolvable', `${S}/ingress/lost.ts`, uses('./nowhere.ts')],
  ['one-room-per-dependency', `${S}/accounting/http.ts`, uses('commander')],
];

const FINE: Record<string, string> = {
  [`${S}/clock.ts`]: 'export interface One { one: number }\nexport const one = 1;\n',
  [`${S}/ingress/ingress.ts`]: uses('../exchange.ts'),
  [`${S}/policy/policy.ts`]: uses('../stores/store.ts'),
  [`${S}/stores/memory.ts`]: usesType('../io.ts'),
  [`${S}/stores/file.ts`]: "import { readFileSync } from 'node:fs';\nexport const one = readFileSync;\n",
  [`${S}/providers/provider.ts`]: usesType('../io.ts'),
  [`${S}/http/app.ts`]: uses('hono'),
  [`${S}/runtime/node/listener.ts`]:
    "import { createServer } from 'node:http';\nimport { one as hono } from 'hono';\nexport const one = [createServer, hono];\n",
  [`${S}/runtime/node/demo.ts`]: uses('relayapi-demo-provider'),
  [`${S}/observability/b.ts`]: usesType('./a.ts'),
  [`${S}/translation/cap.test.ts`]: uses('../policy/policy.ts'),
  'packages/cli/src/program.ts': uses('commander'),
};

let report: ImportReport;

beforeAll(async () => {
  report = await checkImports(
    makeTree({ ...FINE, ...Object.fromEntries(PLANTED.map(([, from, text]) => [from, text])) }),
  );
});

afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

describe('planted violations', () => {
  for (const [rule, from] of PLANTED) {
    test(`${rule} catches ${from}`, () => {
      expect(
        report.violations.filter((violation) => violation.from === from).map(({ rule }) => rule),
      ).toContain(rule);
    });
  }

  test('every rule of the matrix has its planted violation', () => {
    const planted = new Set(PLANTED.map(([rule]) => rule));
    expect(IMPORT_RULES.map((rule) => rule.name).filter((name) => !planted.has(name ?? ''))).toEqual([]);
  });

  test('files that keep the rules are not accused', () => {
    const innocent = Object.keys(FINE).filter(
      (path) => !path.endsWith('observability/b.ts') && !path.endsWith('program.ts'),
    );
    expect(report.violations.filter(({ from }) => innocent.includes(from))).toEqual([]);
  });

  test('every source file was read', () => {
    expect(report.modules).toBe(PLANTED.length + Object.keys(FINE).length + 4);
  });
});

describe('a cruiser that sees nothing', () => {
  test('a folder without sources is a violation, not a pass', async () => {
    const root = mkdtempSync(join(tmpdir(), 'relayapi-imports-'));
    roots.push(root);
    mkdirSync(join(root, 'packages'));
    const { modules, violations } = await checkImports(root);
    expect(modules).toBe(0);
    expect(violations.map(({ rule }) => rule)).toEqual(['all-sources-read']);
  });

  test('a test that imports nothing but support is read, though support is not', async () => {
    const root = makeTree({
      [`${S}/policy/origin.test.ts`]: uses('../../test/support/origin.ts'),
      'packages/server/test/support/origin.ts': 'export const one = 1;\n',
    });
    expect((await checkImports(root)).violations).toEqual([]);
  });
});

describe('rooms', () => {
  test('a folder of the server is a room, each runtime its own, and a file elsewhere', () => {
    expect(roomOf('packages/server/src/policy/limits/rate.ts')).toBe('server/policy');
    expect(roomOf('packages/server/src/runtime/node/listener.ts')).toBe('server/runtime/node');
    expect(roomOf('packages/server/src/relay.ts')).toBe('server/relay.ts');
    expect(roomOf('packages/token/src/seal.ts')).toBe('token');
    expect(roomOf('packages/cli/src/program.ts')).toBe('cli/program.ts');
    expect(roomOf('node_modules/hono/index.js')).toBeNull();
  });
});
