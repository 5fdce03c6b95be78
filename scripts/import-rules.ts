// The import matrix as rules for dependency-cruiser: which room may import which (docs/architecture.md).
// Data only: scripts/check-imports.ts runs it. Paths are relative to the root of the repository.
import type { IForbiddenRuleType } from 'dependency-cruiser';

const SERVER = '^packages/server/src';
const TEST = '\\.test\\.ts$';
const TOKEN = '^packages/token/src/index\\.ts$';
const NPM = 'node_modules/';
const STAGES = 'ingress|policy|routing|translation|forwarding|metering|accounting|observability';

/** Words that every room may use; `address` is one because ingress finds the client, policy judges it, and both must read alike. */
const LEAVES = `${SERVER}/(address|errors|io|json-edit|late-lru|owned-headers|pointers|roster|sealed-id|splice|usage|clock|redact|secret-formats)\\.ts$`;
const EXCHANGE = `${SERVER}/exchange\\.ts$`;
const RENDER_ERROR = `${SERVER}/render-error\\.ts$`;
/** Interfaces that a runtime or a shelf implements: whoever hands a value across may name them. */
const SHELF_INTERFACES = `${SERVER}/(providers/provider|dialects/dialect|stores/store)\\.ts$`;
const PROVIDER = `${SERVER}/providers/provider\\.ts$`;
/** What forwarding asks for credentials that are made: its values are handed across, and forwarding alone asks. */
const CREDENTIAL = `${SERVER}/credentials/credential\\.ts$`;
/** Ports: interfaces beside their user, implemented by a runtime. */
const PORTS = `${SERVER}/(forwarding/transport|observability/logger|observability/metrics|policy/country-lookup)\\.ts$`;
/** Headers of every answer: ingress, http and the runtimes add the same ones. */
const BASE_HEADERS = `${SERVER}/base-headers\\.ts$`;
const STAGE_ENTRIES = STAGES.split('|').map((stage) => `${SERVER}/${stage}/${stage}\\.ts$`);
const OPTIONS = `${SERVER}/[^/]+/options\\.ts$`;
const DIALECT_REGISTRY = `${SERVER}/dialects/dialects\\.ts$`;
const CREATE_RELAY = `${SERVER}/create-relay\\.ts$`;
const JUDGE_CONFIG = `${SERVER}/judge-config\\.ts$`;

/** Files matching `from` (tests aside) may import only what matches one of `allowed`; `$1` is the first group of `from`. */
function allowOnly(name: string, comment: string, from: string, allowed: string[]): IForbiddenRuleType {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: from, pathNot: TEST },
    to: allowed.length > 0 ? { pathNot: allowed } : {},
  };
}

const packageRules: IForbiddenRuleType[] = [
  allowOnly(
    'token-stands-alone',
    'token imports no other package and no Node module',
    '^packages/token/src',
    ['^packages/token/src', NPM],
  ),
  allowOnly(
    'demo-provider-stands-alone',
    'demo-provider imports no other package',
    '^packages/demo-provider/src',
    ['^packages/demo-provider/src', NPM, '^(node:)?[a-z0-9_/]+$'],
  ),
  allowOnly(
    'sdk-imports-token-only',
    'of the other packages the SDK knows token alone',
    '^packages/sdk-node/src',
    ['^packages/sdk-node/src', TOKEN, NPM, '^(node:)?[a-z0-9_/]+$'],
  ),
  allowOnly(
    'cli-imports-entries',
    'the CLI takes token, server and SDK by their front doors',
    '^packages/cli/src',
    [
      '^packages/cli/(src|package\\.json$)',
      '^packages/(token|server|sdk-node)/src/index\\.ts$',
      NPM,
      '^(node:)?[a-z0-9_/]+$',
    ],
  ),
  allowOnly(
    'server-imports-token-only',
    'of the other packages the server knows token; runtime/node the demo, too',
    SERVER,
    [SERVER, TOKEN, '^packages/demo-provider/src/index\\.ts$', NPM, '^(node:)?[a-z0-9_/]+$'],
  ),
  {
    name: 'demo-only-in-runtime',
    comment: 'only runtime/node starts the demo provider',
    severity: 'error',
    from: { path: SERVER, pathNot: [`${SERVER}/runtime/node/`, TEST] },
    to: { path: '^packages/demo-provider/' },
  },
  {
    name: 'node-only-at-the-edge',
    comment: 'node: stands in runtime/node and in the file and Redis stores only; token is free of it',
    severity: 'error',
    from: {
      path: ['^packages/token/src', SERVER],
      pathNot: [`${SERVER}/runtime/node/`, `${SERVER}/stores/(file|redis)`, TEST],
    },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'index-is-for-others',
    comment: 'src/index.ts is the front door: nothing inside the package comes in by it',
    severity: 'error',
    from: { path: '^packages/([^/]+)/src', pathNot: TEST },
    to: { path: '^packages/$1/src/index\\.ts$' },
  },
  {
    name: 'no-tests-in-production',
    comment: 'production code imports no test and nothing of test/',
    severity: 'error',
    from: { path: '^packages/[^/]+/src', pathNot: TEST },
    to: { path: [TEST, '^packages/[^/]+/test/'] },
  },
  {
    name: 'no-cycles',
    comment: 'import cycles, types counted',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'resolvable',
    comment: 'an import that leads nowhere is not checked by any other rule',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
];

const roomRules: IForbiddenRuleType[] = [
  allowOnly(
    'leaves-import-nothing',
    'address, errors, owned-headers, pointers, roster, sealed-id, usage, clock and secret-formats import nothing',
    `${SERVER}/(address|errors|owned-headers|pointers|roster|sealed-id|usage|clock|secret-formats)\\.ts$`,
    [],
  ),
  allowOnly(
    'json-edit-knows-json',
    'splice and json-edit import token (for bytes and strict JSON) and each other',
    `${SERVER}/(splice|json-edit)\\.ts$`,
    [TOKEN, `${SERVER}/(pointers|splice)\\.ts$`],
  ),
  allowOnly('late-lru-wraps-a-library', 'late-lru imports the library alone', `${SERVER}/late-lru\\.ts$`, [
    'node_modules/lru-cache/',
  ]),
  allowOnly(
    'redact-knows-formats',
    'redact imports nothing but what secrets look like',
    `${SERVER}/redact\\.ts$`,
    [`${SERVER}/secret-formats\\.ts$`],
  ),
  allowOnly(
    'io-names-denials',
    'io imports nothing but the denials that a body can end in',
    `${SERVER}/io\\.ts$`,
    [`${SERVER}/errors\\.ts$`],
  ),
  allowOnly(
    'exchange-knows-words',
    'exchange holds types: leaves, token and the interfaces it hands across',
    EXCHANGE,
    [LEAVES, TOKEN, SHELF_INTERFACES, CREDENTIAL, PORTS],
  ),
  allowOnly('ports-import-leaves', 'a port imports leaves and the options of its stage', PORTS, [
    LEAVES,
    OPTIONS,
  ]),
  allowOnly('base-headers-import-leaves', 'base-headers imports leaves only', BASE_HEADERS, [LEAVES]),
  allowOnly('interfaces-import-leaves', 'a shelf interface imports leaves only', SHELF_INTERFACES, [LEAVES]),
  allowOnly(
    'shelves-are-strangers',
    'a shelf imports leaves, token and itself',
    `${SERVER}/(providers|dialects|stores)/`,
    [LEAVES, TOKEN, `${SERVER}/$1/`, NPM, '^(node:)?[a-z0-9_/]+$'],
  ),
  allowOnly(
    'stages-are-strangers',
    'a stage imports exchange, leaves, token, itself and the interfaces of shelves, never another stage',
    `${SERVER}/(${STAGES})/`,
    [LEAVES, BASE_HEADERS, EXCHANGE, TOKEN, SHELF_INTERFACES, CREDENTIAL, `${SERVER}/$1/`, NPM],
  ),
  allowOnly(
    'forwarding-makes-credentials',
    'of the stages forwarding alone knows the shelf of credentials',
    `${SERVER}/(?!forwarding/)(${STAGES})/`,
    [LEAVES, BASE_HEADERS, EXCHANGE, TOKEN, SHELF_INTERFACES, `${SERVER}/$1/`, NPM],
  ),
  allowOnly(
    'credentials-know-schemes',
    'credentials imports leaves, token, the interface of providers, itself',
    `${SERVER}/credentials/`,
    [LEAVES, TOKEN, PROVIDER, `${SERVER}/credentials/`, NPM],
  ),
  allowOnly(
    'render-error-knows-dialects',
    'render-error imports leaves, exchange and dialects',
    RENDER_ERROR,
    [LEAVES, EXCHANGE, TOKEN, `${SERVER}/dialects/`],
  ),
  allowOnly(
    'spine-knows-entries',
    'relay.ts imports the entry file of each stage, the dialect registry, leaves, token; no stage internals, no npm package',
    `${SERVER}/relay\\.ts$`,
    [LEAVES, EXCHANGE, RENDER_ERROR, TOKEN, DIALECT_REGISTRY, ...STAGE_ENTRIES],
  ),
  allowOnly(
    'config-composes-options',
    'config imports every options.ts, zod, token (for its strict JSON) and itself',
    `${SERVER}/config/`,
    [`${SERVER}/config/`, OPTIONS, TOKEN, `${NPM}zod/`],
  ),
  allowOnly(
    'judge-config-knows-registry',
    'judge-config imports the schema, the registry, what routing asks of credentials and variables, token',
    JUDGE_CONFIG,
    [
      `${SERVER}/config/schema\\.ts$`,
      `${SERVER}/providers/(catalog|provider|registry)\\.ts$`,
      `${SERVER}/routing/(credential|options|variables)\\.ts$`,
      TOKEN,
    ],
  ),
  {
    name: 'root-stays-portable',
    comment: 'create-relay never imports http, runtime, an npm package, Node, the file or the Redis store',
    severity: 'error',
    from: { path: CREATE_RELAY },
    to: {
      path: [`${SERVER}/(http|runtime)/`, `${SERVER}/stores/(file|redis)`, NPM, '^(node:)?[a-z0-9_/]+$'],
    },
  },
  allowOnly('http-is-a-shell', 'http imports create-relay, io, errors and hono', `${SERVER}/http/(?!page/)`, [
    `${SERVER}/http/`,
    CREATE_RELAY,
    BASE_HEADERS,
    `${SERVER}/(io|errors)\\.ts$`,
    `${NPM}hono/`,
    `${NPM}@hono/`,
  ]),
  allowOnly(
    'page-is-a-browser',
    'the try-it page runs in a browser: it imports itself and the OpenAI SDK that is bundled into it',
    `${SERVER}/http/page/`,
    [`${SERVER}/http/page/`, `${NPM}openai/`],
  ),
  allowOnly(
    'runtimes-are-edges',
    'a runtime imports create-relay, judge-config, http, config, the ports, leaves; no stage, no other runtime',
    `${SERVER}/runtime/([^/]+)/`,
    [
      `${SERVER}/runtime/$1/`,
      `${SERVER}/(http|config)/`,
      CREATE_RELAY,
      JUDGE_CONFIG,
      LEAVES,
      BASE_HEADERS,
      // what Node's parser refuses is answered in the same words; options of a stage are data
      RENDER_ERROR,
      OPTIONS,
      SHELF_INTERFACES,
      PORTS,
      TOKEN,
      '^packages/demo-provider/src/index\\.ts$',
      NPM,
      '^(node:)?[a-z0-9_/]+$',
    ],
  ),
];

/** Every rule of the matrix. */
export const IMPORT_RULES: IForbiddenRuleType[] = [...packageRules, ...roomRules];

/** npm packages that may be imported from more than one room. */
export const SHARED_DEPENDENCIES: readonly string[] = ['zod', 'lru-cache', 'hono', 'jose'];

/** The room of a source file: a folder of the server, the whole token package, a single file elsewhere. Null when in no room. */
export function roomOf(file: string): string | null {
  const match = /^packages\/([^/]+)\/src\/(.+)$/.exec(file);
  if (!match) return null;
  const [, workspace = '', rest = ''] = match;
  if (workspace === 'token') return workspace;
  const segments = rest.split('/');
  if (workspace !== 'server' || segments.length === 1) return `${workspace}/${rest}`;
  return `${workspace}/${segments.slice(0, segments[0] === 'runtime' ? 2 : 1).join('/')}`;
}
