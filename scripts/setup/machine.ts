// Made-up machines for the tests of get_relayapi.sh: a PATH, an empty HOME, a small project in the shape of this one.
// Nothing here is a test.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';

/** The root of this repository. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** A machine as the set-up script sees it. */
export interface Machine {
  folder: string;
  home: string;
  env: Record<string, string>;
}

/** What a run of a command came to. */
export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

// The PATH of this run without the tools that the project brought for itself.
function machinePath(): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.filter((folder) => folder !== '' && !/\.tools\/|node_modules\/\.bin/.test(`${folder}/`));
}

/** True when the machine has the program, outside of what the project brought. */
export function hasProgram(name: string): boolean {
  return machinePath().some((folder) => existsSync(join(folder, name)));
}

/**
 * A machine with an empty home. Its `node` says it is version 20 and is the machine's own, or (with `node: 'fitting'`) the
 * Node that runs these tests; with `without`, the named programs are not there.
 */
export function makeMachine(
  options: { node?: 'old' | 'fitting'; without?: readonly string[] } = {},
): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'relayapi-machine-'));
  const home = join(folder, 'home');
  const bin = join(folder, 'bin');
  mkdirSync(home);
  mkdirSync(bin);
  const without = new Set(options.without ?? []);
  const path = [bin];
  if (without.size === 0) path.push(...machinePath());
  else linkPrograms(join(folder, 'system'), without, path);
  if (!without.has('node')) writeNode(join(bin, 'node'), options.node ?? 'old');
  const env: Record<string, string> = {
    PATH: path.join(delimiter),
    HOME: home,
    // the registry that this machine reaches stays reachable, whatever HOME is
    NPM_CONFIG_USERCONFIG: process.env['NPM_CONFIG_USERCONFIG'] ?? join(homedir(), '.npmrc'),
    ...findGlobalConfig(),
    LC_ALL: 'C',
  };
  for (const name of [
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'HTTPS_PROXY',
    'https_proxy',
    'NO_PROXY',
    'no_proxy',
  ]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return { folder, home, env };
}

function writeNode(file: string, kind: 'old' | 'fitting'): void {
  if (kind === 'fitting') {
    symlinkSync(process.execPath, file);
    return;
  }
  const found = machinePath()
    .map((folder) => join(folder, 'node'))
    .find((path) => existsSync(path));
  const version = found === undefined ? '' : execFileSync(found, ['-v'], { encoding: 'utf8' });
  if (found !== undefined && Number(/^v(\d+)/.exec(version)?.[1]) < 24) {
    symlinkSync(found, file);
    return;
  }
  // no old Node at hand: one that says it is, and works for npm
  const text = `#!/bin/sh\ncase "$1" in -v | --version) echo v20.19.0 ;; *) exec '${process.execPath}' "$@" ;; esac\n`;
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

// A folder of links to every program of the machine but some: the only way to take one away from PATH.
function linkPrograms(folder: string, without: ReadonlySet<string>, path: string[]): void {
  mkdirSync(folder);
  for (const source of machinePath()) {
    if (!existsSync(source)) continue;
    for (const name of readdirSync(source)) {
      if (without.has(name) || existsSync(join(folder, name))) continue;
      try {
        symlinkSync(join(source, name), join(folder, name));
      } catch {
        // a dangling link of the same name
      }
    }
  }
  path.push(folder);
}

/** npm's machine-wide settings (a registry's certificates, say), which it looks for beside `node`: made-up machines have theirs elsewhere. */
function findGlobalConfig(): Record<string, string> {
  const env = { ...process.env, PATH: machinePath().join(delimiter) };
  const { stdout } = spawnSync('npm', ['config', 'get', 'globalconfig'], { env, encoding: 'utf8' });
  const file = (stdout ?? '').trim();
  return file !== '' && existsSync(file) ? { NPM_CONFIG_GLOBALCONFIG: file } : {};
}

/** Runs a command on a machine, standard input closed unless given. */
export function run(
  machine: Machine,
  cwd: string,
  command: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Run {
  const [program = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: { ...machine.env, ...options.env },
    input: options.input ?? '',
    encoding: 'utf8',
    timeout: 300_000,
  });
  return { status, stdout, stderr };
}

/** Every path below a folder, with the target of links; nothing about times. */
export function listTree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isSymbolicLink() ? `${path} -> ${readlinkSync(path)}` : path;
    })
    .sort();
}

/** Path and time of last change of everything below the given folders. */
export function listTimes(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .map((path) => `${path} ${statSync(path).mtimeMs}`),
  );
}

/**
 * A git repository in the shape of this one that installs nothing and builds in no time: it has the real set-up script,
 * a server that prints its arguments and a CLI that prints its folder.
 */
export function makeSmallProject(folder: string): string {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const build =
    "node -e \"fs.mkdirSync('dist',{recursive:true});fs.copyFileSync('src/main.js','dist/main.js');fs.writeFileSync('dist/index.js','')\"";
  write(
    'package.json',
    JSON.stringify({ name: 'small', private: true, type: 'module', scripts: { build: 'pnpm -r run build' } }),
  );
  write('pnpm-workspace.yaml', 'packages:\n  - packages/*\n');
  write(
    'pnpm-lock.yaml',
    "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .: {}\n\n  packages/cli: {}\n\n  packages/server: {}\n",
  );
  write('tsconfig.base.json', '{}');
  write('.gitignore', 'node_modules/\ndist/\n.tools/\n');
  for (const name of ['server', 'cli']) {
    write(
      `packages/${name}/package.json`,
      JSON.stringify({ name: `small-${name}`, type: 'module', scripts: { build } }),
    );
  }
  write(
    'packages/server/src/main.js',
    "if (process.argv[2] === 'wait') { process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); }\nconsole.log(JSON.stringify({ arguments: process.argv.slice(2), cwd: process.cwd(), node: process.version }));\nif (process.argv[2] === 'fail') process.exitCode = 3;\n",
  );
  write('packages/cli/src/main.js', "console.log('cli', process.cwd(), ...process.argv.slice(2));\n");
  cpSync(join(ROOT, 'get_relayapi.sh'), join(folder, 'get_relayapi.sh'));
  chmodSync(join(folder, 'get_relayapi.sh'), 0o755);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'small');
  return folder;
}
