/** nginx and Caddy in front of a relay, with the very configuration that docs/guides/behind-a-proxy.md shows. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { findFreePort } from './free-port.ts';

const GUIDE = new URL('../../../../docs/guides/behind-a-proxy.md', import.meta.url);

/** A running proxy. */
export interface RunningProxy {
  readonly port: number;
  /** The certificate to trust. */
  readonly ca: string;
  /** Everything in its access log so far. */
  accessLog(): string;
  /** Everything else it wrote: error log, standard output and error. */
  otherLogs(): string;
  stop(): Promise<void>;
}

/** One of the two. */
export interface ProxyProgram {
  readonly name: string;
  readonly command: string | null;
  /** `plainLog`: with the access log that it writes by itself, instead of the guide's masked one. */
  start(relayPort: number, options?: { readonly plainLog?: boolean }): Promise<RunningProxy>;
}

function findCommand(...paths: string[]): string | null {
  return paths.find((path) => existsSync(path)) ?? null;
}

function guideBlock(language: string): string {
  const guide = readFileSync(GUIDE, 'utf8');
  const block = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(guide)?.[1];
  if (block === undefined) throw new Error(`the guide has no ${language} block`);
  return block;
}

/** Replaces every pair; throws when a text to replace is not there, so that the guide cannot drift away. */
function adapt(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((rest, [from, to]) => {
    if (!rest.includes(from)) throw new Error(`the guide no longer says ${from}`);
    return rest.replaceAll(from, to);
  }, text);
}

const readIfThere = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

async function run(
  folder: string,
  [command, ...args]: readonly string[],
  port: number,
  files: { ca: string; access: string; error?: string },
): Promise<RunningProxy> {
  let said = '';
  const child = spawn(command as string, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  await untilItListens(port, child, () => said);
  return {
    port,
    ca: files.ca,
    accessLog: () => readIfThere(join(folder, files.access)),
    otherLogs: () => said + (files.error ? readIfThere(join(folder, files.error)) : ''),
    stop: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

async function untilItListens(port: number, child: ChildProcess, said: () => string): Promise<void> {
  const attempt = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
  for (let tries = 0; !(await attempt()); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error(`the proxy does not listen:\n${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function makeFolder(): { folder: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'relayapi-proxy-'));
  const { cert, key } = createSelfSignedCertificate(['localhost', '127.0.0.1']);
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 });
  return { folder, cert };
}

const nginx: ProxyProgram = {
  name: 'nginx',
  command: findCommand('/usr/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'),
  async start(relayPort, options = {}) {
    const { folder, cert } = makeFolder();
    const port = await findFreePort();
    const server = adapt(guideBlock('nginx'), [
      ...(options.plainLog ? ([['relay.log relay;', 'relay.log combined;']] as const) : []),
      ['listen 443 ssl http2', `listen 127.0.0.1:${port} ssl http2`],
      ['/etc/ssl/relay.example.com.pem', `${folder}/cert.pem`],
      ['/etc/ssl/relay.example.com.key', `${folder}/key.pem`],
      ['/var/log/nginx/', `${folder}/`],
      ['127.0.0.1:8840', `127.0.0.1:${relayPort}`],
    ]);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n');
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log stderr crit;\nevents {}\nhttp {\n${paths}\n${server}\n}\n`,
    );
    const command = [nginx.command as string, '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
    return run(folder, command, port, { ca: cert, access: 'relay.log', error: 'relay.error.log' });
  },
};

const caddy: ProxyProgram = {
  name: 'caddy',
  command: findCommand('/usr/bin/caddy', '/usr/local/bin/caddy', '/opt/homebrew/bin/caddy'),
  async start(relayPort) {
    const { folder, cert } = makeFolder();
    const port = await findFreePort();
    const file = adapt(guideBlock('caddy'), [
      ['{\n\tlog default', '{\n\tadmin off\n\tauto_https disable_redirects\n\tlog default'],
      [
        'relay.example.com {',
        `https://localhost:${port}, https://127.0.0.1:${port} {\n\ttls cert.pem key.pem`,
      ],
      ['/var/log/caddy/', `${folder}/`],
      ['127.0.0.1:8840', `127.0.0.1:${relayPort}`],
    ]);
    writeFileSync(join(folder, 'Caddyfile'), file);
    const command = [caddy.command as string, 'run', '--adapter', 'caddyfile', '--config', 'Caddyfile'];
    return run(folder, command, port, { ca: cert, access: 'relay.log' });
  },
};

/** Both. */
export const PROXY_PROGRAMS: readonly ProxyProgram[] = [nginx, caddy];
