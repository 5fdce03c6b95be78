/**
 * The client matrix: the official SDKs for Node and Python and the command-line agents, unmodified, at a relay, with the token in
 * the path and in a header, whole and streamed, and with every error. docs/clients.md is what a run found (`-u` writes it).
 * The clients are brought by clients/install.sh; without them the tests skip.
 * house: real time, since other people's programs have no fake clock.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { AGENTS, type Agent, type AgentRun, hasAgents, lineWith, runAgent } from './matrix/agents.ts';
import { CASES } from './matrix/cases.ts';
import { limitTo, startClientProgram } from './matrix/client-program.ts';
import { type AgentFindings, renderPage } from './matrix/page.ts';
import { findMatrixPython } from './matrix/python.ts';
import { type MatrixRelays, type Place, startMatrixRelays } from './matrix/relays.ts';
import { PYTHON_SDKS, type Row, SDKS } from './matrix/rows.ts';
import { type Finding, runRow } from './matrix/run-row.ts';

const CLIENTS = fileURLToPath(new URL('../../../../clients/', import.meta.url));
const PATIENCE_MS = 300_000;
const PLACES = ['path', 'header'] as const;
const BRING = 'is missing: sh clients/install.sh';

const node = existsSync(`${CLIENTS}node_modules/.installed-from`) ? process.execPath : null;
const python = findMatrixPython();
const agents = hasAgents();

let relays: MatrixRelays;
const findings: Finding[] = [];
const agentFindings = new Map<string, AgentFindings>();

beforeAll(async () => {
  relays = await startMatrixRelays([...new Set(SDKS.map(({ provider }) => provider))]);
  if (agents) startRuns();
});
afterAll(() => relays?.close());

const agentRuns = new Map<string, Promise<AgentRun>>();
const keyOf = (agent: Agent, place: Place, code?: ErrorCode) => [agent.name, place, code].join();

/** More at the same time, and each takes longer. */
const AGENTS_AT_ONCE = 6;

/** Several at a time, beside the SDKs: they mostly wait. The slowest agent is begun first. */
function startRuns(): void {
  const atOnce = limitTo(AGENTS_AT_ONCE);
  const orders = AGENTS.toReversed().flatMap((agent) =>
    PLACES.flatMap((place) => [undefined, ...CASES].map((given) => ({ agent, place, given }))),
  );
  for (const { agent, place, given } of orders) {
    const door = { place, ...relays.token(agent.provider, given), ...(given && { given }) };
    const run = atOnce(() => runAgent(agent, door));
    run.catch(() => undefined);
    agentRuns.set(keyOf(agent, place, given?.code), run);
  }
}

function runOf(agent: Agent, place: Place, code?: ErrorCode): Promise<AgentRun> {
  return agentRuns.get(keyOf(agent, place, code)) ?? Promise.reject(new Error('was not run'));
}

/** Runs rows in one program; a call that is never answered is told by what the program printed. */
async function runProgram(command: string, script: string, rows: readonly Row[]): Promise<void> {
  const program = startClientProgram(command, [`${CLIENTS}${script}`]);
  try {
    for (const found of await Promise.all(rows.map((row) => runRow(program, relays, row))))
      findings.push(...found);
  } finally {
    program.stop();
  }
}

const wrongOf = (row: Row, keep: (finding: Finding) => boolean): string[] =>
  findings
    .filter((finding) => finding.row === row && keep(finding) && finding.wrong !== null)
    .map(({ way, place, wrong }) => `${way}, ${place}: ${wrong}`);
const count = (row: Row): number => findings.filter((finding) => finding.row === row).length;

describe.each([
  { of: 'Node', rows: SDKS, command: node, script: 'sdks.ts' },
  { of: 'Python', rows: PYTHON_SDKS, command: python, script: 'sdks.py' },
])('SDKs for $of', ({ of, rows, command, script }) => {
  beforeAll(async () => {
    if (command !== null) await runProgram(command, script, rows);
  }, PATIENCE_MS);

  describe.each(rows)('$name', (row) => {
    const ways = row.unstreamed === undefined ? 2 : 1;

    it('answers, whole and streamed, with the token in the path and in a header', (context) => {
      context.skip(command === null, `the client program for ${of} ${BRING}`);
      expect(count(row)).toBe(2 * ways * (1 + CASES.length) + Object.keys(ERRORS).length);
      expect(wrongOf(row, ({ code }) => code === null)).toEqual([]);
    });

    it('shows every error of the relay in its own exception', (context) => {
      context.skip(command === null, `the client program for ${of} ${BRING}`);
      expect(wrongOf(row, ({ code }) => code !== null)).toEqual([]);
    });
  });
});

describe.each(AGENTS)('$name, headless, as the guide writes it', (agent) => {
  const works = new Set<Place>();
  const shows = new Map<ErrorCode, string>();
  beforeAll(() => void agentFindings.set(agent.name, { works, shows }));

  beforeEach((context) => context.skip(!agents, `${agent.name} ${BRING}`));

  it.each(PLACES)(
    'prints the streamed answer, with the token in the %s',
    async (place) => {
      const { output, exitCode, otherHosts } = await runOf(agent, place);
      expect(output).toContain('Hello from the demo provider!');
      expect(exitCode).toBe(0);
      expect(otherHosts).toEqual([]);
      works.add(place);
    },
    PATIENCE_MS,
  );

  it.each(CASES)(
    'ends by itself and tells $code, in both modes',
    async ({ code }) => {
      const { message } = ERRORS[code];
      const oddity = agent.odd[code];
      for (const place of PLACES) {
        const { output, exitCode } = await runOf(agent, place, code);
        expect(output).toContain(oddity?.shows ?? message);
        // else it has none of its own words any more
        if (oddity) expect(output).not.toContain(message);
        expect(exitCode).toBe(1);
        shows.set(code, lineWith(output, oddity?.shows ?? message));
      }
    },
    PATIENCE_MS,
  );
});

it('docs/clients.md is what this run found', async (context) => {
  context.skip(node === null || python === null || !agents, `a client ${BRING}`);
  const page = renderPage(SDKS, PYTHON_SDKS, findings, agentFindings);
  await expect(page).toMatchFileSnapshot('../../../../docs/clients.md');
});
