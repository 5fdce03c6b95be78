/** docs/providers.md from the registry: what each entry opens, sends and refuses. Run by scripts/write-providers-docs.ts, held by a test. */
import type { Endpoint, Provider } from './provider.ts';

const INTRO = `# Providers

<!-- Written by packages/server/scripts/write-providers-docs.ts from the registry: change the registry, not this page. -->

What a relay knows without any config. A token names a provider by its id or by another name; \`providers\` in
config.json overrides an entry or adds one ([how](guides/add-a-provider.md)).

Paths are relative to the API root. Where a provider has several roots, those of an endpoint are named in front of it. A
caller may write the root, its last part or nothing: \`/v1/chat/completions\` and \`/chat/completions\` are the same.
**Everything that is not listed is closed**: files, batches, stored answers, fine-tuning, administration, endpoints that mint
tokens. It opens only with a \`paths\` claim in the token and the same path in the key file's \`allow.paths\`; so do the rows that
are marked so. Where \`own ids\` stands, ids in answers are sealed for the token's subject, and no other id is taken
([why](decisions/0033-sealed-ids.md)).
Hosts, credential headers and paths are those found in the sources named; nothing was called to check them.
`;

/** The whole page. */
export function renderProvidersPage(providers: readonly Provider[]): string {
  const rows = providers.map((entry) => {
    const link = `[${entry.id}](#${slugOf(entry)})`;
    return `| ${link} | ${list(entry.aliases)} | \`${entry.origin}${entry.roots[0] ?? ''}\` | ${credentialOf(entry)} |`;
  });
  const table = ['| id | also | base | credential |', '|---|---|---|---|', ...rows].join('\n');
  return `${INTRO}\n${table}\n\n${providers.map(renderProvider).join('\n')}`;
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
    ['Roots', list(entry.roots)],
    ['Variables', list(Object.entries(entry.vars).map(([name, pattern]) => `${name}: ${pattern}`))],
    ['Host by key', list(entry.originByKey.map(({ pattern, origin }) => `${pattern} goes to ${origin}`))],
    [
      'Further origins',
      entry.moreOrigins.map(({ alias, origin }) => `\`/~${alias}\` is \`${origin}\``).join(', '),
    ],
    ['Sealed ids', list(entry.ids.map(({ kind }) => kind))],
    ['Sent if absent', list(entry.defaultHeaders.map(([name, value]) => `${name}: ${value}`))],
    ['Headers passed on', list(entry.passHeaders)],
    ['Query passed on', list(entry.passQuery)],
    ['Refused keys', entry.refusedKeys.map(({ pattern, reason }) => `\`${pattern}\` (${reason})`).join(', ')],
    ['Sources', `${entry.sources.join(', ')}; as of ${entry.asOf}`],
  ].filter(([, text]) => text !== '');
  const endpoints = entry.endpoints.map((row) => renderEndpoint(row, entry.roots.length > 1));
  return [
    `## ${headingOf(entry)}`,
    '',
    ...facts.map(([name, text]) => `- ${name}: ${text}`),
    '',
    '| endpoint | dialect | model in | `features` |',
    '|---|---|---|---|',
    ...endpoints,
    '',
  ].join('\n');
}

const KINDS: Readonly<Record<Endpoint['kind'], string>> = {
  inference: '',
  models: '',
  job: ' (own ids)',
  account: ' (with `paths`; own ids)',
};

function renderEndpoint(row: Endpoint, showRoot: boolean): string {
  const root = showRoot && row.root !== undefined ? `${row.root} ` : '';
  const own = row.auth === undefined ? '' : ` (${schemeOf(row.auth)})`;
  const kind = KINDS[row.kind];
  const features = [...new Set((row.features ?? []).map(({ feature }) => feature))].sort();
  return `| \`${row.method} ${root}${row.path}\`${own}${kind} | ${row.dialect} | ${modelsOf(row)} | ${list(features)} |`;
}

function modelsOf(row: Endpoint): string {
  if (row.models === null) return 'not known';
  const places = row.models.map((place) => {
    if (place.in === 'body') return place.at.join('.').replaceAll('.*', '[]');
    return `${place.in} ${place.in === 'path' ? [place.segment, ...(place.more ?? [])].join('/') : place.name}`;
  });
  return list(places);
}

function credentialOf(entry: Provider): string {
  return schemeOf(entry.auth);
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
