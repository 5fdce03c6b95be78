// The steps of `pnpm check`, run one after another; a step that fails does not stop the others.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';

/** One named step of the check. */
export interface Step {
  name: string;
  /** Command lines, run in order; the step fails with the first that fails. */
  commands: string[][];
}

const node = process.execPath;
const bin = (path: string, ...args: string[]): string[] => [node, `node_modules/${path}`, ...args];

// What did not change since the last check is not looked at again.
function compile(project: string): string[] {
  const memory = `node_modules/.cache/tsc/${project.replaceAll(/[\\/]/g, '_')}.tsbuildinfo`;
  return bin('typescript/bin/tsc', '-p', project, '--incremental', '--tsBuildInfoFile', memory);
}

function listSteps(options: { tests: boolean }): Step[] {
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
    { name: 'types', commands: projects.map(compile) },
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
    ...(options.tests
      ? [{ name: 'tests', commands: [bin('vitest/vitest.mjs', 'run', '--project=unit')] }]
      : []),
  ];
}

function runStep(step: Step): boolean {
  const started = performance.now();
  console.log(`\n== ${step.name}`);
  let ok = true;
  for (const [command = '', ...args] of step.commands) {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 27 });
    if (status === 0) {
      // a step that did its work says in its last line how much it looked at
      const last = stdout.trim().split('\n').at(-1);
      if (last) console.log(last);
      continue;
    }
    ok = false;
    console.log(`${stdout}${stderr}`.trimEnd());
  }
  console.log(
    `== ${step.name}: ${ok ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
  return ok;
}

/** Runs the given steps one after another, prints each with its time, and gives the names of those that failed. */
export function runSteps(steps: readonly Step[]): string[] {
  return steps.filter((step) => !runStep(step)).map((step) => step.name);
}

/** Runs every step of `pnpm check`; `tests` adds the unit and conformance tests. Gives the names of the steps that failed. */
export function runCheckSteps(options: { tests: boolean }): string[] {
  return runSteps(listSteps(options));
}
