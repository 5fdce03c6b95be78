/** docs/clients.md, made from what a run found: nothing in it is written by hand. */
import { readFileSync } from 'node:fs';
import { ERRORS, type ErrorCode } from '../../../src/errors.ts';
import { AGENTS, type Agent } from './agents.ts';
import { CASES } from './cases.ts';
import type { Row } from './rows.ts';
import type { Finding } from './run-row.ts';

const CLIENTS = new URL('../../../../../clients/', import.meta.url);

/** How one agent did: at each place of the token, and, by refusal, the line that it told last, with the token in a header. */
export interface AgentFindings {
  readonly works: ReadonlySet<string>;
  readonly shows: ReadonlyMap<ErrorCode, string>;
}

/** The page. `findings` are all that the SDKs did, `agents` by their names. */
export function renderPage(
  sdks: readonly Row[],
  python: readonly Row[],
  findings: readonly Finding[],
  agents: ReadonlyMap<string, AgentFindings>,
): string {
  return `# Clients

Which clients have been run through a relay, how each is set up, and what its user reads when the relay refuses. Written by a run
of the client matrix (\`pnpm exec vitest run --project alone packages/server/test/clients/matrix.test.ts -u\`, after \`sh clients/install.sh\`),
and held to it by the same test without \`-u\`. Each client is the official package, unmodified, at a real relay before a provider
that only repeats what it is told.

RELAY is the relay's address for the client, TOKEN what stands where the key would:

| | RELAY | TOKEN |
|---|---|---|
| token in the path | \`https://relay.example.com/relayapi/<token>\` | any text: \`relay\` |
| token in a header | \`https://relay.example.com/relayapi/-\` | the token |

In the tables, "plain" and "streamed" say that the answer came whole and piece by piece. Errors: of all that was tried, how many
the client's own exception tells in the relay's words. Tried are ${CASES.length} refusals and failures at the relay itself, each in every way of the
row, and each of the relay's ${Object.keys(ERRORS).length} codes as the relay words it for that client's paths.

## SDKs for Node

${sdkTable(sdks, findings, lockedVersion)}

## SDKs for Python

${sdkTable(python, findings, requiredVersion)}

## Where a client differs

${differences([...sdks, ...python, ...AGENTS])}

## Refusals and failures

What the clients were led into at the relay itself:

| code | status | how |
|---|---|---|
${CASES.map(({ code, how }) => `| \`${code}\` | ${ERRORS[code].status} | ${how} |`).join('\n')}

## Command-line agents

Headless, with the very blocks of [the guide](guides/agents.md). Nothing was asked of another host than the relay.

| agent | version | token in the path | token in a header | errors |
|---|---|---|---|---|
${AGENTS.map((agent) => agentLine(agent, agents.get(agent.name))).join('\n')}

Errors: in how many of the refusals and failures above the agent ends by itself, with exit code 1, and prints the relay's words, in both modes.
Agents repeat failed calls for minutes by themselves. For these runs each was told not to, by its own setting
(\`CLAUDE_CODE_MAX_RETRIES=0\`; \`request_max_retries\` and \`stream_max_retries\` of Codex's provider; \`general.maxAttempts\` of Gemini CLI's
settings). How the words stand in what it prints, with the token in a header:

| agent | code | prints |
|---|---|---|
${AGENTS.flatMap(({ name }) => EXAMPLES.map((code) => exampleLine(name, code, agents.get(name)))).join('\n')}

And by code:

| code | ${AGENTS.map(({ name }) => name).join(' | ')} |
|---|${AGENTS.map(() => '---|').join('')}
${CASES.map(({ code }) => `| \`${code}\` | ${AGENTS.map((agent) => shownBy(agent, code, agents.get(agent.name))).join(' | ')} |`).join('\n')}
`;
}

/** A refusal of the relay's, and a failure of the provider's. */
const EXAMPLES: readonly ErrorCode[] = ['token_expired', 'upstream_auth'];

function exampleLine(name: string, code: ErrorCode, found: AgentFindings | undefined): string {
  const shown = (found?.shows.get(code) ?? 'nothing').replaceAll('|', '\\|').replaceAll('`', "'");
  return `| ${name} | \`${code}\` | \`${shown}\` |`;
}

/** Whose words it prints. */
function shownBy({ odd }: Agent, code: ErrorCode, found: AgentFindings | undefined): string {
  if (!found?.shows.has(code)) return 'fails';
  const shown = odd[code]?.shows;
  return shown === undefined ? "the relay's" : `its own: "${shown}"`;
}

function agentLine({ name, package: of, odd }: Agent, found: AgentFindings | undefined): string {
  const works = ['path', 'header'].map((place) => (found?.works.has(place) ? 'streamed' : 'fails'));
  const told = CASES.filter(({ code }) => found?.shows.has(code) && odd[code] === undefined).length;
  return `| ${name} | \`${of}\` ${lockedVersion(of, 'agents/')} | ${works.join(' | ')} | ${told} of ${CASES.length} |`;
}

function sdkTable(
  rows: readonly Row[],
  findings: readonly Finding[],
  versionOf: (of: string) => string,
): string {
  const lines = rows.map((row) => {
    const own = findings.filter((finding) => finding.row === row);
    const works = (place: string) =>
      own
        .filter((finding) => finding.place === place && finding.code === null && finding.wrong === null)
        .map(({ way }) => way)
        .join(', ') || 'fails';
    const errors = own.filter(({ code }) => code !== null && row.odd?.[code] === undefined);
    const told = errors.filter(({ wrong }) => wrong === null).length;
    return `| ${row.name} | ${versionOf(row.package)} | ${row.provider} | \`${row.setup}\` | ${works('path')} | ${works('header')} | ${told} of ${errors.length} |`;
  });
  return [
    '| client | version | provider | set-up | token in the path | token in a header | errors |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function differences(rows: readonly Pick<Row, 'name' | 'unstreamed' | 'odd' | 'note'>[]): string {
  const lines = rows.flatMap((row) => [
    ...(row.unstreamed === undefined ? [] : [`- ${row.name}: not streamed; ${row.unstreamed}`]),
    ...Object.entries(row.odd ?? {}).map(([code, { shows, why }]) =>
      shows === 'never'
        ? `- ${row.name}: never \`${code}\`; ${why}`
        : `- ${row.name}: shows "${shows}" for \`${code}\`; ${why}`,
    ),
    ...(row.note === undefined ? [] : [`- ${row.name}: ${row.note}`]),
  ]);
  return lines.join('\n');
}

/** The version that the lock file of npm holds. */
function lockedVersion(of: string, folder = ''): string {
  const lock = JSON.parse(readFileSync(new URL(`${folder}package-lock.json`, CLIENTS), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  return lock.packages[`node_modules/${of}`]?.version ?? 'unknown';
}

function requiredVersion(of: string): string {
  const text = readFileSync(new URL('requirements.txt', CLIENTS), 'utf8');
  return new RegExp(`^${of}==(.+)$`, 'm').exec(text)?.[1] ?? 'unknown';
}
