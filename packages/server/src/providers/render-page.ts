/** docs/providers.md from the registry: what each entry opens, sends and refuses. Run by scripts/write-providers-docs.ts, held by a test. */
import { type KeyKinds, keyKindsOf } from 'relayapi-token';
import type { Endpoint, Provider } from './provider.ts';

const INTRO = `# Providers

<!-- Written by packages/server/scripts/write-providers-docs.ts from the registry: change the registry, not this page. -->

What a relay knows without any config. A token names a provider by its id or by another name; \`providers\` in
config.json overrides an entry or adds one ([how](guides/add-a-provider.md)).

Paths are relative to the API root. Where a provider has several roots, those of an endpoint are named in front of it. A
caller may write the root, its last part or nothing: \`/v1/chat/completions\` and \`/chat/completions\` are the same.
**Everything that is not listed is closed**: files, batches, stored answers, fine-tuning, administration, endpoints that mint
tokens. It opens only with a \`paths\` claim in the token and the same path in the key file's \`allow.paths\`, and so do rows marked
(with \`paths\`). Where \`own ids\` stands, ids in answers are sealed for the token's subject, and no other id is taken
([why](decisions/0033-sealed-ids.md)).
A path that is marked (assumed) is generally known, or follows from the API that the provider copies, but stands in none of the
sources named; all hosts, credentials and other paths were found there. Nothing was called to check them.

An entry that is off is not found by a token: the provider has closed, was not found alive, or is a server on your own machine.
\`providers.<id>.enabled\` in config.json turns it on, and so does a \`base_url\`, which a local one needs.

Bodies, files and answers of any size pass as they come, streams too: \`openai-chat\`, \`openai-responses\`,
\`anthropic-messages\` and \`gemini\` as server-sent events, \`opaque\` as the table says or in whatever form the provider chooses.
What an SDK is given as its base address stands with each entry; \`<URL>\` is what the token's issuer made, with nothing behind the token.
`;

/** The whole page. */
export function renderProvidersPage(providers: readonly Provider[]): string {
  const rows = providers.map((entry) => {
    const link = `[${entry.id}](#${slugOf(entry)})`;
    const base = `\`${entry.origin}${entry.roots[0] ?? ''}\``;
    return `| ${link} | ${list(entry.aliases)} | ${base} | ${schemeOf(entry.auth)} | ${statusOf(entry)} | ${worksOf(entry)} |`;
  });
  const on = providers.filter(({ enabled }) => enabled).length;
  const count = `${providers.length} providers, ${on} of them on.`;
  const table = ['| id | also | base | credential | status | works |', '|---|---|---|---|---|---|', ...rows];
  return `${INTRO}\n${count}\n\n${table.join('\n')}\n\n${providers.map(renderProvider).join('\n')}`;
}

function statusOf({ enabled, status, origin }: Provider): string {
  if (enabled) return status;
  return origin.startsWith('http:') ? 'off: local' : `off: ${status}`;
}

/** What kinds of calls the rows are, by the end of their paths. */
function worksOf({ endpoints }: Provider): string {
  const kinds = Object.entries(WORK).filter(([, paths]) => endpoints.some(({ path }) => paths.test(path)));
  const own = endpoints.some(({ dialect, kind }) => dialect === 'opaque' && kind !== 'models');
  return [...kinds.map(([name]) => name), ...(own ? ['own'] : [])].join(', ');
}

const WORK: Readonly<Record<string, RegExp>> = {
  chat: /\/chat\/completions\/?$/,
  responses: /\/responses$/,
  messages: /\/messages$/,
  gemini: /:generateContent$/,
  text: /(?<!\/chat)\/completions$/,
  embeddings: /\/embeddings$|:embedContent$/,
  images: /\/images\/generations$/,
  speech: /\/audio\/speech$/,
  transcription: /\/audio\/transcriptions$/,
  rerank: /\/rerank$/,
};

/** The base addresses that SDKs are given, behind the token's URL. */
function sdksOf({ roots, endpoints }: Provider): string {
  const under = (root: string, path: RegExp) =>
    endpoints.some((row) => (row.root === undefined || row.root === root) && path.test(row.path));
  return roots
    .flatMap((root) => [
      ...(under(root, /^\/(?:chat\/completions|embeddings|responses)$/) ? [`OpenAI's \`<URL>${root}\``] : []),
      // it puts /v1 there itself
      ...(root.endsWith('/v1') && under(root, /^\/messages$/)
        ? [`Anthropic's \`<URL>${root.slice(0, -3)}\``]
        : []),
      ...(root === '/v1beta' && under(root, /:generateContent$/) ? ["Google's `<URL>`"] : []),
    ])
    .join(', ');
}

function slugOf(entry: Provider): string {
  return headingOf(entry)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

function headingOf(entry: Provider): string {
  return `${entry.name} (${entry.id})`;
}

function renderProvider(entry: Provider): string {
  const facts = [
    ['Status', statusOf(entry)],
    ['SDK base', sdksOf(entry)],
    ['Roots', entry.roots.length > 1 ? list(entry.roots) : ''],
    ['Other credentials', entry.otherCredentials.map(formText).join(', ')],
    ['Credential of', entry.credentialFields.join() === 'key' ? '' : list(entry.credentialFields)],
    ['Variables', list(Object.entries(entry.vars).map(([name, pattern]) => `${name}: ${pattern}`))],
    ['Host by key', list(entry.originByKey.map(({ pattern, origin }) => `${pattern} goes to ${origin}`))],
    [
      'Further origins',
      entry.moreOrigins.map(({ alias, origin }) => `\`/~${alias}\` is \`${origin}\``).join(', '),
    ],
    ['Sealed ids', list(entry.ids.map(({ kind }) => kind))],
    ['Taken to be kept (with `paths`, own ids, assumed)', list(entry.endpoints.filter(isTaken).map(nameOf))],
    ['Sent if absent', list(entry.defaultHeaders.map(([name, value]) => `${name}: ${value}`))],
    ['Always sent', list(entry.setHeaders.map(([name, value]) => `${name}: ${value}`))],
    ['Headers passed on', list(entry.passHeaders)],
    ['Query passed on', list(entry.passQuery)],
    ['Keys begin with', list(keyKindsOf(entry.id).prefixes)],
    ['Refused keys', refusedOf(entry)],
    ['Keys that open more than model calls', toldOf(keyKindsOf(entry.id).broad)],
    ['Query added', list([...entry.defaultQuery, ...entry.setQuery].map((pair) => pair.join('=')))],
    ['Closed beside all else', list(entry.adminPaths)],
    ['Sockets, which are not relayed', list(entry.webSockets.map(({ url }) => url))],
    ['Key', entry.env === null ? '' : `\`${entry.env}\` in its own SDKs`],
    ['Home', entry.homepage ?? ''],
    ['Sources', `${entry.sources.join(', ')}; as of ${entry.asOf}`],
  ].filter(([, text]) => text !== '');
  const endpoints = entry.endpoints
    .filter((row) => !isTaken(row))
    .map((row) => renderEndpoint(row, entry.roots.length > 1));
  return [
    `## ${headingOf(entry)}`,
    '',
    ...facts.map(([name, text]) => `- ${name}: ${text}`),
    '',
    '| endpoint | dialect | body | model in | `features` |',
    '|---|---|---|---|---|',
    ...endpoints,
    '',
  ].join('\n');
}

function refusedOf({ id, refusedKeys = [] }: Provider): string {
  const own = refusedKeys.map(({ pattern, reason }) => `\`${pattern}\` (${reason})`);
  return [toldOf(keyKindsOf(id).refused), ...own].filter((text) => text !== '').join(', ');
}

function toldOf(kinds: KeyKinds['broad']): string {
  return kinds.map(({ prefix, what }) => (prefix === '' ? what : `\`${prefix}…\` (${what})`)).join(', ');
}

/** What an API like OpenAI's is taken to keep: the same rows at a hundred of them. */
function isTaken({ kind, takes, assumed }: Endpoint): boolean {
  return kind === 'account' && takes !== undefined && assumed === true;
}

function nameOf({ method, path }: Endpoint): string {
  return `${method} ${path}`;
}

function renderEndpoint(row: Endpoint, showRoot: boolean): string {
  const root = showRoot && row.root !== undefined ? `${row.root} ` : '';
  const own = row.auth === undefined ? '' : ` (${schemeOf(row.auth)})`;
  const features = [...new Set((row.features ?? []).map(({ feature }) => feature))].sort();
  const marks = [
    ...(row.kind === 'account' ? ['with `paths`'] : []),
    ...(row.kind === 'job' || (row.kind === 'account' && row.takes !== undefined) ? ['own ids'] : []),
    ...(row.tags ?? []),
    ...(row.assumed ? ['assumed'] : []),
  ]
    .map((mark) => ` (${mark})`)
    .join('');
  const stream = row.stream === undefined ? '' : `, ${row.stream}`;
  return `| \`${row.method} ${root}${row.path}\`${own}${marks} | ${row.dialect}${stream} | ${row.body} | ${modelsOf(row)} | ${list(features)} |`;
}

function modelsOf(row: Endpoint): string {
  if (row.models === null) return 'not known';
  const places = row.models.map((place) => {
    if (place.in === 'body') return place.at.join('.').replaceAll('.*', '[]');
    return `${place.in} ${place.in === 'path' ? [place.segment, ...(place.more ?? [])].join('/') : place.name}`;
  });
  return list(places);
}

function formText({ fields, auth }: Provider['otherCredentials'][number]): string {
  return `${list(fields)} as ${schemeOf(auth)}`;
}

function schemeOf(auth: Provider['auth']): string {
  switch (auth.kind) {
    case 'none':
      return 'none';
    case 'header':
      return `\`${auth.name}: ${auth.template}\``;
    case 'query':
      return `\`?${auth.pairs.map(({ name, template }) => `${name}=${template}`).join(auth.separator ?? '&')}\``;
    case 'basic':
      return `\`authorization: Basic\` of \`${auth.user}:${auth.password}\``;
    case 'signed':
      return `signed (${auth.by})`;
    case 'exchanged':
      return `${schemeOf(auth.put)}, fetched or signed for a while (${auth.by.kind})`;
  }
}

function list(items: readonly string[]): string {
  return items.map((item) => `\`${item}\``).join(', ');
}
