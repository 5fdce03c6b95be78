// The files of a release: packages packed in the order of publishing, the bill of materials, checksums.
// Publishes nothing; .github/workflows/release.yml does.
//   node scripts/release-files.ts version v1.2.3        fails unless every package has that version
//   node scripts/release-files.ts pack FOLDER REPO-URL  packs into FOLDER; REPO-URL goes into each package, npm's provenance compares it
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What a release needs of a package.json. */
export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** Scripts that npm would run on a user's machine. */
export const INSTALL_SCRIPTS = [
  'preinstall',
  'install',
  'postinstall',
  'prepare',
  'preprepare',
  'postprepare',
];

/** Sorts packages so that each stands behind those it depends on. Throws on a circle. */
export function sortForPublishing(manifests: readonly Manifest[]): Manifest[] {
  const waiting = new Map(manifests.map((manifest) => [manifest.name, manifest]));
  const sorted: Manifest[] = [];
  while (waiting.size > 0) {
    const next = [...waiting.values()].filter(
      ({ dependencies = {} }) => !Object.keys(dependencies).some((name) => waiting.has(name)),
    );
    if (next.length === 0)
      throw new Error(`packages depend on each other in a circle: ${[...waiting.keys()].join(', ')}`);
    for (const manifest of next) {
      sorted.push(manifest);
      waiting.delete(manifest.name);
    }
  }
  return sorted;
}

/** What must not be in a packed package: ranges only a workspace understands, scripts that run on install, files nobody meant to publish. */
export function findPackedProblems(manifest: Manifest, files: readonly string[]): string[] {
  const problems: string[] = [];
  const { dependencies, peerDependencies, optionalDependencies, scripts = {} } = manifest;
  for (const [name, range] of Object.entries({
    ...dependencies,
    ...peerDependencies,
    ...optionalDependencies,
  })) {
    if (/^(?:catalog|workspace|link|file|git|https?):?/.test(range))
      problems.push(`${manifest.name}: the range ${range} of ${name} is no registry version`);
  }
  for (const script of INSTALL_SCRIPTS) {
    if (script in scripts)
      problems.push(`${manifest.name}: the script "${script}" would run on users' machines`);
  }
  for (const file of files) {
    if (!/^package\/(?:package\.json|LICENSE|README\.md|dist\/.+|vectors\/.+\.(?:json|rai))$/.test(file))
      problems.push(`${manifest.name}: ${file} is not meant to be published`);
  }
  return problems;
}

/** A line per file as `sha256sum --check` reads it. */
export function formatChecksums(files: ReadonlyMap<string, Uint8Array>): string {
  return [...files]
    .map(([name, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`)
    .join('');
}

function run(command: string, args: readonly string[], cwd = '.'): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 27,
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
  return stdout;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Packs the package in `folder` into `into`, with the repository's URL in it, and leaves the tree as it was. Gives the tarball's name. */
function packOne(folder: string, into: string, repositoryUrl: string): string {
  const path = join(folder, 'package.json');
  const before = readFileSync(path, 'utf8');
  const repository = { type: 'git', url: `git+${repositoryUrl}.git`, directory: folder };
  const had = new Set(readdirSync(into));
  try {
    writeFileSync(path, JSON.stringify({ ...JSON.parse(before), repository }, null, 2));
    run('pnpm', ['pack', '--pack-destination', into], folder);
  } finally {
    writeFileSync(path, before);
  }
  const made = readdirSync(into).filter((name) => !had.has(name));
  if (made.length !== 1) throw new Error(`${folder}: one tarball expected, found ${made.length}`);
  const packed = JSON.parse(
    run('tar', ['-xzOf', join(into, made[0] as string), 'package/package.json']),
  ) as Manifest;
  const files = run('tar', ['-tzf', join(into, made[0] as string)])
    .trim()
    .split('\n')
    .filter((file) => !file.endsWith('/'));
  const problems = findPackedProblems(packed, files);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return made[0] as string;
}

/** Packs every published package, with `publish-order.txt`, `sbom.cdx.json` (CycloneDX, by pnpm) and `SHA256SUMS` beside them. */
function packRelease(intoFolder: string, repositoryUrl: string): string[] {
  const into = resolve(intoFolder);
  mkdirSync(into, { recursive: true });
  if (readdirSync(into).length > 0) throw new Error(`${intoFolder} is not empty`);
  const folders = new Map(
    globSync('packages/*/package.json').map((path) => {
      const folder = path.slice(0, -'/package.json'.length);
      return [readManifest(folder).name, folder] as const;
    }),
  );
  const published = [...folders.values()].map(readManifest).filter((manifest) => manifest.private !== true);
  const tarballs = sortForPublishing(published).map(({ name }) =>
    packOne(folders.get(name) as string, into, repositoryUrl),
  );
  writeFileSync(join(into, 'publish-order.txt'), tarballs.map((name) => `${name}\n`).join(''));
  const sbom = ['--filter', './packages/*', 'sbom', '--prod', '--sbom-format', 'cyclonedx'];
  run('pnpm', [...sbom, '--out', join(into, 'sbom.part')]);
  renameSync(join(into, 'sbom.part'), join(into, 'sbom.cdx.json'));
  const summed = new Map(tarballs.map((name) => [name, readFileSync(join(into, name))]));
  writeFileSync(join(into, 'SHA256SUMS'), formatChecksums(summed));
  return tarballs;
}

/** The packages whose version is not the tag's. */
export function findOtherVersions(tag: string, manifests: readonly Manifest[]): string[] {
  return manifests
    .filter(({ version }) => `v${version}` !== tag)
    .map(({ name, version }) => `${name} is ${version}`);
}

if (import.meta.main) {
  const [command, first = '', second = ''] = process.argv.slice(2);
  try {
    if (command === 'pack' && first !== '' && second !== '') {
      console.log(packRelease(first, second).join('\n'));
    } else if (command === 'version' && first !== '') {
      const others = findOtherVersions(
        first,
        globSync('packages/*/package.json').map((path) => readManifest(join(path, '..'))),
      );
      if (others.length > 0) throw new Error(`the tag is ${first}, but ${others.join(', ')}`);
    } else throw new Error('use: release-files.ts version TAG | pack FOLDER REPO-URL');
  } catch (error) {
    console.error(`release-files: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
