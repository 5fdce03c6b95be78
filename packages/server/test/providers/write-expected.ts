/**
 * Writes expected.json from a list of facts about providers, never from the registry: the table of registry-wire.test.ts compares the two.
 * `node packages/server/test/providers/write-expected.ts FACTS.json`. What the facts do not hold is named here, by hand, with its reason.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Fact {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly confidence: string;
  readonly baseUrl: string;
  readonly auth: {
    readonly type: string;
    readonly name?: string;
    readonly prefix?: string;
    readonly extraHeaders?: Readonly<Record<string, string>>;
  };
  readonly inferencePaths: readonly string[];
  readonly pathsSeenInSources: readonly string[];
  readonly readPaths: readonly string[];
  readonly adminPaths: readonly string[];
}

/** What is expected of one entry. Variables stand as `{name}`, by their names in the registry. */
export interface Expected {
  readonly origin: string;
  /** `name: value` of the only credential line; null where it is signed, fetched first or in the query. */
  readonly credential: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Must be off. */
  readonly off: boolean;
  /** Every path that is known of the provider, seen or not. */
  readonly paths: readonly string[];
  /** Those that a source shows. */
  readonly seen: readonly string[];
  readonly admin: readonly string[];
}

/** The facts' names of variables and the registry's. */
const VARIABLES: Readonly<Record<string, string>> = {
  '{accountId}': '{account_id}',
  '{gatewayId}': '{gateway_id}',
  '{workspaceHost}': '{workspace_host}',
  'https://{us|eu}.': 'https://{region}.',
  'https://{model}.lepton': 'https://{deployment}.lepton',
  '.ai.{landscape}.ml.': '.ai.prod.{region}.{cloud}.ml.',
  'https://{region}-aiplatform': 'https://{location}-aiplatform',
  '/locations/{region}/': '/locations/{location}/',
};

/** Entries at another host than their sibling's, which the facts name in a note only. */
const SIBLINGS: readonly { id: string; of: string; from: string; to: string }[] = [
  {
    id: 'alibaba-coding-plan-cn',
    of: 'alibaba-coding-plan',
    from: 'coding-intl.dashscope',
    to: 'coding.dashscope',
  },
  {
    id: 'huawei-maas-intl',
    of: 'huawei-maas',
    from: 'api.modelarts-maas',
    to: 'api-ap-southeast-1.modelarts-maas',
  },
  { id: 'codestral', of: 'mistral', from: 'api.mistral.ai', to: 'codestral.mistral.ai' },
  {
    id: 'azure-ai-foundry',
    of: 'azure',
    from: '.openai.azure.com/openai/v1',
    to: '.services.ai.azure.com/models',
  },
];

/** Headers that the facts give as a choice. */
const HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'azure-ai-foundry': { 'anthropic-version': '2023-06-01' },
  cartesia: { 'cartesia-version': '2025-04-16' },
  'sap-ai-core': { 'ai-resource-group': 'demo' },
  'snowflake-cortex': { 'x-snowflake-authorization-token-type': 'PROGRAMMATIC_ACCESS_TOKEN' },
};

const HEADER_KINDS = ['bearer', 'header', 'azure-api-key'];

function expectedOf(fact: Fact): Expected {
  const origin = /^https?:\/\/[^/]+/.exec(named(fact.baseUrl))?.[0] ?? '';
  const here = (texts: readonly string[]) => texts.flatMap((text) => pathOf(named(text), origin));
  const { type, name = 'authorization', prefix = type === 'bearer' ? 'Bearer ' : '' } = fact.auth;
  const lists = here(fact.readPaths);
  // a list of models has a row per model in every dialect that has one
  const single = lists.filter((path) => path.endsWith('/models')).map((path) => `${path}/{model}`);
  const required = Object.entries(fact.auth.extraHeaders ?? {}).flatMap(([header, text]) => {
    const value = /^(\S+) \(required\)/.exec(text)?.[1];
    return value === undefined ? [] : [[header.toLowerCase(), value] as const];
  });
  return {
    origin,
    credential: HEADER_KINDS.includes(type) ? `${name.toLowerCase()}: ${prefix}{key}` : null,
    headers: { ...Object.fromEntries(required), ...HEADERS[fact.id] },
    // a credential in the body is not filled in
    off:
      ['unverified', 'sunset'].includes(fact.status) ||
      fact.confidence === 'low' ||
      fact.kind === 'local' ||
      type === 'body',
    paths: [...here(fact.inferencePaths), ...lists, ...single],
    seen: here(fact.pathsSeenInSources),
    admin: fact.adminPaths.map(named).filter((text) => !text.includes('https://')),
  };
}

function named(text: string): string {
  return Object.entries(VARIABLES).reduce((all, [from, to]) => all.replaceAll(from, to), text);
}

/** `POST /v1/x` of `POST /v1/x?y=z (note)` and of `POST https://origin/v1/x`; nothing where the origin is another. */
function pathOf(text: string, origin: string): string[] {
  const [method = '', ...rest] = text.replace(/\s*\(.*\)$/, '').split(' ');
  const target = rest.join(' ').split('?')[0] ?? '';
  if (target.startsWith(`${origin}/`)) return [`${method} ${target.slice(origin.length)}`];
  return target.startsWith('/') ? [`${method} ${target}`] : [];
}

const facts = JSON.parse(readFileSync(process.argv[2] ?? 'providers.json', 'utf8')) as Fact[];
const all = new Map(facts.map((fact) => [fact.id, fact]));
for (const { id, of, from, to } of SIBLINGS) {
  const fact = all.get(of);
  if (fact === undefined) throw new Error(`no ${of}`);
  // what is seen of one is not thereby seen of the other
  all.set(id, { ...fact, id, baseUrl: fact.baseUrl.replace(from, to), pathsSeenInSources: [] });
}
const page = Object.fromEntries([...all].map(([id, fact]) => [id, expectedOf(fact)]));
writeFileSync(new URL('./expected.json', import.meta.url), `${JSON.stringify(page, null, 2)}\n`);
