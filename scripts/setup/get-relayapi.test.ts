// get_relayapi.sh on made-up machines, with a small project in place of this one: every call, every source, every clear error.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  hasProgram,
  listTimes,
  listTree,
  type Machine,
  makeMachine,
  makeSmallProject,
  ROOT,
  run,
} from './machine.ts';

const SCRIPT = join(ROOT, 'get_relayapi.sh');
const machines: Machine[] = [];

function newMachine(options?: Parameters<typeof makeMachine>[0]): Machine {
  const machine = makeMachine(options);
  machines.push(machine);
  return machine;
}

afterAll(() => {
  for (const { folder } of machines) rmSync(folder, { recursive: true, force: true });
});

const npm = hasProgram('npm');
const noNpm = 'npm is missing';

describe('a checkout on a machine with Node 20 and no pnpm', () => {
  let machine: Machine;
  let project: string;

  beforeAll(() => {
    if (!npm) return;
    machine = newMachine();
    project = makeSmallProject(join(machine.folder, "a project's folder"));
  });

  test('build brings Node and pnpm into the checkout and leaves home as it was', (context) => {
    context.skip(!npm, noNpm);
    const before = listTree(machine.home);
    const built = run(machine, project, ['./get_relayapi.sh', 'build']);
    expect(built).toMatchObject({ status: 0, stdout: '' });
    expect(existsSync(join(project, '.tools/node_modules/node'))).toBe(true);
    expect(existsSync(join(project, 'packages/server/dist/main.js'))).toBe(true);
    expect(listTree(machine.home)).toEqual(before);
  });

  test('a second build is fast, says little, changes nothing and needs no network', (context) => {
    context.skip(!npm, noNpm);
    const before = listTimes([join(project, 'packages'), join(project, '.tools/bin')]);
    const started = performance.now();
    const again = run(machine, project, ['./get_relayapi.sh', 'build'], {
      env: { npm_config_registry: 'http://127.0.0.1:9/', pnpm_config_registry: 'http://127.0.0.1:9/' },
    });
    expect(again).toEqual({ status: 0, stdout: '', stderr: 'get_relayapi: built\n' });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(listTimes([join(project, 'packages'), join(project, '.tools/bin')])).toEqual(before);
    expect(run(machine, project, ['git', 'status', '--porcelain']).stdout).toBe('');
  });

  test('a changed source is built again, a changed test is not', (context) => {
    context.skip(!npm, noNpm);
    writeFileSync(join(project, 'packages/server/src/a.test.ts'), '// a test\n');
    expect(run(machine, project, ['./get_relayapi.sh', 'build']).stderr).toBe('get_relayapi: built\n');
    rmSync(join(project, 'packages/server/src/a.test.ts'));
    writeFileSync(join(project, 'packages/server/src/extra.js'), '// a source\n');
    expect(run(machine, project, ['./get_relayapi.sh', 'build']).stderr).toContain(
      'get_relayapi: building\n',
    );
    rmSync(join(project, 'packages/server/src/extra.js'));
  });

  test('a lost dist is built again', (context) => {
    context.skip(!npm, noNpm);
    rmSync(join(project, 'packages/cli/dist'), { recursive: true });
    expect(run(machine, project, ['./get_relayapi.sh', 'build']).status).toBe(0);
    expect(existsSync(join(project, 'packages/cli/dist/index.js'))).toBe(true);
  });

  test('without an action the server starts with the demo in the folder of the checkout', (context) => {
    context.skip(!npm, noNpm);
    const { status, stdout } = run(machine, machine.folder, [join(project, 'get_relayapi.sh')]);
    expect(status).toBe(0);
    const said = JSON.parse(stdout);
    expect(said.arguments).toEqual(['-rai', 'default.rai', '-config', 'config.json', '-demo']);
    expect(said.cwd).toBe(project);
    expect(said.node).toMatch(/^v(2[4-9]|[3-9]\d)\./);
  });

  test('exec runs a tool with the right Node where the caller stands and hands its exit code on', (context) => {
    context.skip(!npm, noNpm);
    const script = join(project, 'get_relayapi.sh');
    const version = run(machine, machine.folder, [script, 'exec', 'node', '-v']);
    expect(version.stdout).toMatch(/^v26\./);
    const failed = run(machine, machine.folder, [script, 'exec', 'relayapi-server', 'fail', 'a b', "it's"]);
    expect(failed.status).toBe(3);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      arguments: ['fail', 'a b', "it's"],
      cwd: machine.folder,
    });
    expect(run(machine, machine.folder, [script, 'exec', 'pnpm', '--version']).stdout).toMatch(/^12\./);
    expect(run(machine, machine.folder, [script, 'exec', 'no-such-tool'])).toMatchObject({
      status: 127,
      stderr: 'get_relayapi: no such command: no-such-tool\n',
    });
  });

  test('a signal reaches the relay itself, because the script ends in exec', async (context) => {
    context.skip(!npm, noNpm);
    const child = spawn('./get_relayapi.sh', ['exec', 'relayapi-server', 'wait'], {
      cwd: project,
      env: machine.env,
    });
    const exited = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), exited]);
    child.kill('SIGTERM');
    const [code] = await exited;
    expect(code).toBe(7);
  });

  test('install links both commands, which run from anywhere with the right Node', (context) => {
    context.skip(!npm, noNpm);
    const { status, stderr } = run(machine, machine.folder, [
      join(project, 'get_relayapi.sh'),
      'install',
      'my bin',
    ]);
    expect(status).toBe(0);
    expect(stderr).toContain('is not on PATH');
    const server = join(machine.folder, 'my bin/relayapi-server');
    expect(lstatSync(server).isSymbolicLink()).toBe(true);
    expect(JSON.parse(run(machine, '/', [server, '-gen']).stdout)).toMatchObject({
      arguments: ['-gen'],
      cwd: '/',
    });
    expect(run(machine, '/', [join(machine.folder, 'my bin/relayapi'), 'inspect']).stdout).toBe(
      'cli / inspect\n',
    );
    // again: the same links
    expect(run(machine, machine.folder, [join(project, 'get_relayapi.sh'), 'install', 'my bin']).status).toBe(
      0,
    );
    expect(readlinkSync(server)).toBe(join(project, '.tools/bin/relayapi-server'));
  });

  test('install without a folder uses ~/.local/bin', (context) => {
    context.skip(!npm, noNpm);
    expect(run(machine, project, ['./get_relayapi.sh', 'install']).status).toBe(0);
    expect(listTree(join(machine.home, '.local/bin')).map((line) => line.split(' -> ')[0])).toEqual([
      join(machine.home, '.local/bin/relayapi'),
      join(machine.home, '.local/bin/relayapi-server'),
    ]);
    rmSync(join(machine.home, '.local'), { recursive: true });
  });

  test('install never replaces a file that is no link', (context) => {
    context.skip(!npm, noNpm);
    const folder = join(machine.folder, 'taken');
    mkdirSync(folder);
    writeFileSync(join(folder, 'relayapi'), 'mine');
    const { status, stderr } = run(machine, project, ['./get_relayapi.sh', 'install', folder]);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `get_relayapi: ${folder}/relayapi is in the way and is no link; move it\n`,
    });
    expect(readFileSync(join(folder, 'relayapi'), 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'relayapi-server'))).toBe(false);
  });

  test('the script is found through a link to it', (context) => {
    context.skip(!npm, noNpm);
    const link = join(machine.folder, 'get');
    expect(run(machine, machine.folder, ['ln', '-s', join(project, 'get_relayapi.sh'), link]).status).toBe(0);
    expect(JSON.parse(run(machine, '/', [link]).stdout).cwd).toBe(project);
  });

  test('a build that fails shows the end of its log and one line that says so', (context) => {
    context.skip(!npm, noNpm);
    const file = join(project, 'packages/server/src/main.js');
    const text = readFileSync(file, 'utf8');
    rmSync(file);
    const { status, stderr } = run(machine, project, ['./get_relayapi.sh', 'build']);
    writeFileSync(file, text);
    expect(status).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^get_relayapi: the build failed \(whole log: /);
    expect(run(machine, project, ['./get_relayapi.sh', 'build']).status).toBe(0);
  });
});

describe('a machine whose Node fits', () => {
  test('Node is used as it is and only pnpm is brought', (context) => {
    context.skip(!npm, noNpm);
    const machine = newMachine({ node: 'fitting' });
    const project = makeSmallProject(join(machine.folder, 'project'));
    expect(run(machine, project, ['./get_relayapi.sh', 'build']).status).toBe(0);
    expect(existsSync(join(project, '.tools/node_modules/node'))).toBe(false);
    expect(run(machine, project, ['./get_relayapi.sh', 'exec', 'node', '-v']).stdout.trim()).toBe(
      process.version,
    );
    expect(listTree(machine.home)).toEqual([]);
  });
});

describe('the script alone', () => {
  let machine: Machine;
  let source: string;
  let archive: string;

  beforeAll(() => {
    if (!npm) return;
    machine = newMachine({ node: 'fitting' });
    source = makeSmallProject(join(machine.folder, 'source'));
    archive = join(machine.folder, 'relayapi-1.0.tar.gz');
    run(machine, source, [
      'git',
      'archive',
      '--format=tar.gz',
      '--prefix=relayapi-1.0/',
      '-o',
      archive,
      'HEAD',
    ]);
  });

  /** An empty folder with the script in it, as `curl -o` leaves it. */
  function download(name: string): string {
    const folder = join(machine.folder, name);
    mkdirSync(folder);
    copyFileSync(SCRIPT, join(folder, 'get_relayapi.sh'));
    chmodSync(join(folder, 'get_relayapi.sh'), 0o644);
    return folder;
  }

  test('it clones a local repository into ./relayapi, starts there, and does not clone again', (context) => {
    context.skip(!npm, noNpm);
    const folder = download('cloned');
    const first = run(machine, folder, ['sh', 'get_relayapi.sh'], { env: { RELAYAPI_REPO: source } });
    expect(first.status).toBe(0);
    expect(JSON.parse(first.stdout).cwd).toBe(join(folder, 'relayapi'));
    expect(first.stderr).toContain(`bringing RelayAPI from ${source}`);
    const second = run(machine, folder, ['sh', 'get_relayapi.sh']);
    expect(second).toMatchObject({ status: 0, stdout: first.stdout, stderr: '' });
    expect(run(machine, join(folder, 'relayapi'), ['git', 'status', '--porcelain']).stdout).toBe('');
    expect(listTree(machine.home)).toEqual([]);
  });

  test('it takes a file: URL through a pipe, as curl | sh does', (context) => {
    context.skip(!npm, noNpm);
    const folder = join(machine.folder, 'piped');
    mkdirSync(folder);
    const { status, stdout } = run(machine, folder, ['sh', '-s', 'build'], {
      input: readFileSync(SCRIPT, 'utf8'),
      env: { RELAYAPI_REPO: `file://${source}` },
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(existsSync(join(folder, 'relayapi/packages/server/dist/main.js'))).toBe(true);
  });

  test('it unpacks an archive, whose top folder may have any name', (context) => {
    context.skip(!npm, noNpm);
    const folder = download('unpacked');
    const { status } = run(machine, folder, ['sh', 'get_relayapi.sh', 'build'], {
      env: { RELAYAPI_REPO: archive },
    });
    expect(status).toBe(0);
    expect(existsSync(join(folder, 'relayapi/packages/server/dist/main.js'))).toBe(true);
    expect(listTree(folder).filter((path) => path.includes('relayapi.part'))).toEqual([]);
  });

  test('a relative folder of install is taken from where the caller stands', (context) => {
    context.skip(!npm, noNpm);
    const folder = join(machine.folder, 'unpacked');
    expect(run(machine, folder, ['sh', 'get_relayapi.sh', 'install', 'here']).status).toBe(0);
    expect(existsSync(join(folder, 'here/relayapi-server'))).toBe(true);
  });

  test('without RELAYAPI_REPO one line says what to set', (context) => {
    context.skip(!npm, noNpm);
    expect(run(machine, download('bare'), ['sh', 'get_relayapi.sh'])).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'get_relayapi: no checkout beside this script: set RELAYAPI_REPO to a git URL, a folder or a .tar.gz of RelayAPI\n',
    });
  });

  test.each([
    ['a repository that is not there', 'none', 'git could not clone RELAYAPI_REPO='],
    ['an archive that is not there', 'none.tar.gz', 'RELAYAPI_REPO names no file: '],
    ['an archive that is none', 'broken.tar.gz', 'RELAYAPI_REPO is no readable .tar.gz: '],
    ['a repository of something else', 'other', 'RELAYAPI_REPO holds no RelayAPI: '],
  ])('%s ends in one clear line and leaves nothing behind', (_name, repo, message) => {
    const folder = download(`wrong ${repo}`);
    writeFileSync(join(machine.folder, 'broken.tar.gz'), 'not an archive');
    const other = join(machine.folder, 'other');
    if (!existsSync(other)) run(machine, machine.folder, ['git', 'init', '-q', other]);
    const { status, stderr } = run(machine, folder, ['sh', 'get_relayapi.sh'], {
      env: { RELAYAPI_REPO: join(machine.folder, repo) },
    });
    expect(status).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toContain(`get_relayapi: ${message}`);
    expect(listTree(folder)).toEqual([join(folder, 'get_relayapi.sh')]);
  });

  test('a folder named relayapi that is something else is left alone', () => {
    const folder = download('in the way');
    mkdirSync(join(folder, 'relayapi'));
    const { status, stderr } = run(machine, folder, ['sh', 'get_relayapi.sh'], {
      env: { RELAYAPI_REPO: source },
    });
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('is in the way') });
  });

  test('a download cut short anywhere runs nothing', () => {
    const text = readFileSync(SCRIPT, 'utf8');
    const folder = join(machine.folder, 'cut');
    mkdirSync(folder);
    // the call itself is the last line: cut it off, and cut everywhere before
    const end = text.lastIndexOf('relayapi_main "$@"');
    for (let at = 0; at < end; at += 97) {
      run(machine, folder, ['sh', '-s', 'build'], {
        input: text.slice(0, at),
        env: { RELAYAPI_REPO: source },
      });
    }
    expect(listTree(folder)).toEqual([]);
  });
});

describe('what is missing is said in one line', () => {
  test('npm', () => {
    const machine = newMachine({ without: ['npm', 'pnpm'] });
    const project = makeSmallProject(join(machine.folder, 'project'));
    expect(run(machine, project, ['./get_relayapi.sh', 'build'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'get_relayapi: npm is not here; install Node.js (any version with npm) and run this again\n',
    });
  });

  test('git', () => {
    const machine = newMachine({ without: ['git'] });
    copyFileSync(SCRIPT, join(machine.folder, 'get_relayapi.sh'));
    expect(
      run(machine, machine.folder, ['sh', 'get_relayapi.sh'], {
        env: { RELAYAPI_REPO: 'https://example.com/r.git' },
      }),
    ).toMatchObject({ status: 1, stderr: expect.stringContaining('git is not here to clone RELAYAPI_REPO') });
  });

  test('the network', (context) => {
    context.skip(!npm, noNpm);
    const machine = newMachine();
    const project = makeSmallProject(join(machine.folder, 'project'));
    const { status, stderr } = run(machine, project, ['./get_relayapi.sh', 'build'], {
      env: { npm_config_registry: 'http://127.0.0.1:9/' },
    });
    expect(status).toBe(1);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^get_relayapi: npm could not bring node@26 pnpm@12 \(is the registry reachable\?\): /,
    );
  });
});

describe('a wrong call', () => {
  test.each([['start it'], ['build now'], ['exec'], ['install a b'], ['-x']])(
    '%s prints the usage and exits 2',
    (call) => {
      const machine = newMachine();
      const { status, stdout, stderr } = run(machine, ROOT, ['sh', SCRIPT, ...call.split(' ')]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^usage: get_relayapi.sh/);
    },
  );

  test('help prints the usage and exits 0', () => {
    expect(run(newMachine(), ROOT, ['sh', SCRIPT, '--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^usage: /),
      stderr: '',
    });
  });
});
