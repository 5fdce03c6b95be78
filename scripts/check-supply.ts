// The supply chain: every dependency has a checksum in the lockfile, only named packages run a script on install, licences are
// among those we accept and listed in docs/licences.md, workflows use pinned actions with the least permissions.
//   node scripts/check-supply.ts           says what is wrong
//   node scripts/check-supply.ts --write   also writes docs/licences.md
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { INSTALL_SCRIPTS, type Manifest } from './release-files.ts';

/** A dependency of what users install. */
export interface ShippedPackage {
  name: string;
  version: string;
  licence: string;
  homepage: string;
}

// permissive, each fit to be shipped beside MIT code
const ACCEPTED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
]);

interface Lockfile {
  packages?: Record<string, { resolution?: { integrity?: string; tarball?: string; repo?: string } }>;
}

/** Dependencies that could change under us: without a SHA-512 checksum, or from elsewhere than a registry. */
export function findLoosePackages(lockfile: string): string[] {
  const packages = Object.entries((parse(lockfile) as Lockfile).packages ?? {});
  if (packages.length === 0) return ['pnpm-lock.yaml: no packages found'];
  return packages.flatMap(([name, { resolution = {} }]) => {
    if (resolution.tarball !== undefined || resolution.repo !== undefined)
      return [`pnpm-lock.yaml: ${name} does not come from a registry`];
    return resolution.integrity?.startsWith('sha512-') ? [] : [`pnpm-lock.yaml: ${name} has no checksum`];
  });
}

/** Packages that run a script on install without being named in `allowBuilds`, and names there that no package needs. */
export function findInstallScripts(
  installed: readonly Manifest[],
  allowed: Readonly<Record<string, boolean>>,
): string[] {
  const scripted = new Set(
    installed
      .filter(({ scripts = {} }) =>
        ['preinstall', 'install', 'postinstall'].some((script) => script in scripts),
      )
      .map(({ name }) => name),
  );
  return [
    ...[...scripted]
      .filter((name) => !(name in allowed))
      .map(
        (name) =>
          `${name} wants to run a script on install: name it under allowBuilds in pnpm-workspace.yaml`,
      ),
    ...Object.keys(allowed)
      .filter((name) => !scripted.has(name))
      .map((name) => `pnpm-workspace.yaml: allowBuilds names ${name}, which runs no script`),
  ];
}

/** Scripts of ours that would run on users' machines. */
export function findOwnScripts(own: readonly Manifest[]): string[] {
  return own.flatMap(({ name, scripts = {} }) =>
    INSTALL_SCRIPTS.filter((script) => script in scripts).map(
      (script) => `${name} has the script "${script}"`,
    ),
  );
}

/** Shipped packages whose licence is not among the accepted ones; one of several offered is enough. */
export function findOddLicences(shipped: readonly ShippedPackage[]): string[] {
  return shipped
    .filter(({ licence }) => !licence.split(/\s+OR\s+/).some((one) => ACCEPTED.has(one.replace(/[()]/g, ''))))
    .map(({ name, version, licence }) => `${name} ${version}: the licence ${licence} is not accepted`);
}

interface WorkflowStep {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}

interface Workflow {
  on?: unknown;
  permissions?: unknown;
  jobs?: Record<string, { permissions?: unknown; uses?: string; steps?: WorkflowStep[] }>;
}

/** What makes a workflow unsafe: movable actions, wide permissions, a caller's text in a script, a kept credential. */
export function findWorkflowProblems(path: string, text: string): string[] {
  const workflow = parse(text) as Workflow;
  const problems: string[] = [];
  const say = (what: string) => problems.push(`${path}: ${what}`);
  const triggers = typeof workflow.on === 'string' ? [workflow.on] : Object.keys(workflow.on ?? {});
  for (const trigger of ['pull_request_target', 'workflow_run']) {
    if (triggers.includes(trigger)) say(`${trigger} runs foreign code with our rights`);
  }
  if (JSON.stringify(workflow.permissions) !== '{}') say('permissions: {} must stand at the top');
  for (const [name, job] of Object.entries(workflow.jobs ?? {})) {
    if (typeof job.permissions !== 'object') say(`the job ${name} does not list its permissions`);
    const steps = job.steps ?? [];
    for (const uses of [job.uses, ...steps.map((step) => step.uses)]) {
      if (uses !== undefined && !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(uses))
        say(`${uses} is not pinned to a commit`);
    }
    for (const step of steps) {
      if (step.run?.includes('${{')) say(`the job ${name} puts an expression into a script: pass it by env`);
      if (step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false)
        say(`the checkout of the job ${name} keeps its credential`);
    }
  }
  for (const line of text.split('\n')) {
    if (/^\s*(?:- )?uses:/.test(line) && !/ # v\d+\.\d+\.\d+$/.test(line))
      say(`"${line.trim()}" does not say its version`);
  }
  return problems;
}

/** docs/licences.md. */
export function renderLicences(shipped: readonly ShippedPackage[]): string {
  const rows = shipped.map(
    ({ name, version, licence, homepage }) => `| [${name}](${homepage}) | ${version} | ${licence} |`,
  );
  return `# Licences

RelayAPI is under the [MIT licence](../LICENSE). What its packages bring along when they are installed, written by
\`node scripts/check-supply.ts --write\`; a test run holds this page to the lockfile. Each package carries its own licence text.

| package | version | licence |
|---|---|---|
${rows.join('\n')}

Accepted are ${[...ACCEPTED].join(', ')}. Tools that only developers install are not listed: they are in the lockfile, and nothing of them
is shipped.
`;
}

interface LicenceEntry {
  name: string;
  versions: string[];
  homepage?: string;
}

/** Reads what `pnpm licenses list --json` prints. */
export function readLicences(json: string): ShippedPackage[] {
  const byLicence = JSON.parse(json) as Record<string, LicenceEntry[]>;
  const shipped: ShippedPackage[] = [];
  for (const [licence, entries] of Object.entries(byLicence)) {
    for (const { name, versions, homepage } of entries) {
      const page = homepage ?? `https://www.npmjs.com/package/${name}`;
      for (const version of versions) shipped.push({ name, version, licence, homepage: page });
    }
  }
  return shipped.sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

function readManifests(pattern: string): Manifest[] {
  return globSync(pattern).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Manifest);
}

function listShipped(): ShippedPackage[] {
  const args = ['--filter', './packages/*', 'licenses', 'list', '--prod', '--json'];
  const { status, stdout, stderr } = spawnSync('pnpm', args, { encoding: 'utf8', maxBuffer: 1 << 27 });
  if (status !== 0) throw new Error(`pnpm ${args.join(' ')}: ${stderr}${stdout}`);
  return readLicences(stdout);
}

if (import.meta.main) {
  const page = 'docs/licences.md';
  const shipped = listShipped();
  const installed = readManifests('node_modules/.pnpm/*/node_modules/{*,@*/*}/package.json');
  const workspace = parse(readFileSync('pnpm-workspace.yaml', 'utf8')) as {
    allowBuilds?: Record<string, boolean>;
  };
  const workflows = globSync('.github/workflows/*.{yml,yaml}');
  if (process.argv.includes('--write')) writeFileSync(page, renderLicences(shipped));
  const problems = [
    ...findLoosePackages(readFileSync('pnpm-lock.yaml', 'utf8')),
    ...(installed.length === 0 ? ['node_modules/.pnpm: nothing installed to look at'] : []),
    ...findInstallScripts(installed, workspace.allowBuilds ?? {}),
    ...findOwnScripts(readManifests('{,packages/*/,examples/*/,bench/}package.json')),
    ...(shipped.length === 0 ? ['pnpm lists no licences'] : findOddLicences(shipped)),
    ...(readFileSync(page, 'utf8') === renderLicences(shipped)
      ? []
      : [`${page} is out of step: node scripts/check-supply.ts --write`]),
    ...workflows.flatMap((path) => findWorkflowProblems(path, readFileSync(path, 'utf8'))),
  ];
  for (const problem of problems) console.error(problem);
  console.log(
    `supply chain: ${installed.length} packages installed, ${shipped.length} shipped, ${workflows.length} workflows, ${problems.length} problems`,
  );
  if (problems.length > 0) process.exitCode = 1;
}
