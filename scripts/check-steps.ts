// The steps of `pnpm check`, run side by side; a step that fails does not stop the others.
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** One named step of the check. */
export interface Step {
  name: string;
  /** Command lines; the step fails when one of them does. */
  commands: string[][];
  /** Whether the commands may run in any order and at once. Default false: one after another. */
  independent?: boolean;
}

const node = process.execPath;
const bin = (path: string, ...args: string[]): string[] => [node, `node_modules/${path}`, ...args];

// What did not change since the last check is not looked at again.
function compile(project: string): string[] {
  const memory = `node_modules/.cache/tsc/${project.replaceAll(/[\\/]/g, '_')}.tsbuildinfo`;
  return bin('typescript/bin/tsc', '-p', project, '--incremental', '--tsBuildInfoFile', memory);
}

const TESTS: Step = { name: 'tests', commands: [bin('vitest/vitest.mjs', 'run', '--project=unit')] };

function listSteps(): Step[] {
  const projects = [
    'tsconfig.json',
    ...globSync('packages/*/tsconfig*.json'),
    ...globSync('examples/*/tsconfig.json'),
  ].sort();
  const packages = globSync('packages/*/package.json')
    .map((path) => path.slice(0, -'/package.json'.length))
    .sort();
  const unbuilt = packages.filter((path) => !existsSync(`${path}/dist/index.js`));
  return [
    {
      name: 'format and lint',
      commands: [bin('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.')],
    },
    { name: 'types', commands: projects.map(compile), independent: true },
    { name: 'imports', commands: [[node, 'scripts/check-imports.ts']] },
    { name: 'house', commands: [[node, 'scripts/check-house.ts']] },
    { name: 'secrets', commands: [[node, 'scripts/check-secrets.ts']] },
    { name: 'dead code', commands: [bin('knip/bin/knip.js', '--no-progress')] },
    { name: 'docs', commands: [[node, 'scripts/check-docs.ts']] },
    { name: 'supply chain', commands: [[node, 'scripts/check-supply.ts']] },
    { name: 'shell', commands: [['sh', 'scripts/check-shell.sh']] },
    {
      name: 'packages',
      commands: [
        ...(unbuilt.length > 0 ? [['pnpm', 'run', 'build']] : []),
        ...packages.map((path) => bin('publint/src/cli.js', '--strict', path)),
      ],
    },
  ];
}

// Most of them keep one core busy; each compiler takes half a GiB.
const LANES = Math.min(4, Math.max(2, availableParallelism()));

/** What is known of a step while it runs. */
interface Report {
  left: number;
  startedMs: number;
  ok: boolean;
  readonly lines: string[];
}

interface Ran {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

function runCommand([command = '', ...args]: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error) => resolve({ ok: false, stdout, stderr: `${stderr}${error.message}` }));
    child.on('close', (code) => resolve({ ok: code === 0, stdout, stderr }));
  });
}

async function runCommands(commands: readonly string[][], report: Report): Promise<void> {
  for (const command of commands) {
    const { ok, stdout, stderr } = await runCommand(command);
    // a step that did its work says in its last line how much it looked at
    const said = ok ? (stdout.trim().split('\n').at(-1) ?? '') : `${stdout}${stderr}`.trimEnd();
    if (said !== '') report.lines.push(said);
    if (!ok) report.ok = false;
  }
}

function printReport({ name }: Step, { ok, lines, startedMs }: Report): void {
  console.log(`\n== ${name}`);
  for (const line of lines) console.log(line);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`== ${name}: ${ok ? 'ok' : 'FAILED'} (${seconds} s)`);
}

/** Runs the given steps, a few at once; prints each with its time once it is done, and gives the names of those that failed. */
export async function runSteps(steps: readonly Step[]): Promise<string[]> {
  const reports = new Map<Step, Report>();
  const queue = steps.flatMap((step) => {
    const parts = step.independent ? step.commands.map((command) => [command]) : [step.commands];
    reports.set(step, { left: parts.length, startedMs: 0, ok: true, lines: [] });
    return parts.map((commands) => ({ step, commands }));
  });
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const report = reports.get(next.step) as Report;
      report.startedMs ||= performance.now();
      await runCommands(next.commands, report);
      report.left -= 1;
      if (report.left === 0) printReport(next.step, report);
    }
  };
  await Promise.all(Array.from({ length: LANES }, work));
  return steps.filter((step) => reports.get(step)?.ok !== true).map(({ name }) => name);
}

/** Runs every step of `pnpm check`; `tests` adds the unit and conformance tests, after the others. Gives the names of the steps that failed. */
export async function runCheckSteps(options: { tests: boolean }): Promise<string[]> {
  const failed = await runSteps(listSteps());
  return options.tests ? [...failed, ...(await runSteps([TESTS]))] : failed;
}
