/** Other people's proxies as children: started in a folder of their own, waited for, read out, stopped. Knows none of them by name. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSelfSignedCertificate } from 'relayapi-demo-provider';

/** A running proxy. */
export interface RunningProxy {
  readonly host: string;
  readonly port: number;
  /** The certificate to trust. */
  readonly ca: string;
  /** Everything in its access log so far. */
  accessLog(): string;
  /** Everything else it wrote: error log, standard output and error. */
  otherLogs(): string;
  stop(): Promise<void>;
}

/** Where a proxy listens, and which of its files are logs; without `access` the access log is what it says. */
export interface ProxyFiles {
  readonly host?: string;
  readonly port: number;
  readonly ca: string;
  readonly access?: string;
  readonly error?: string;
}

/** A fresh folder with `cert.pem`, `key.pem` and both in `both.pem`, for localhost. */
export function makeProxyFolder(): { folder: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'relayapi-proxy-'));
  const { cert, key } = createSelfSignedCertificate(['localhost', '127.0.0.1']);
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 });
  writeFileSync(join(folder, 'both.pem'), `${cert}\n${key}`, { mode: 0o600 });
  return { folder, cert };
}

const readIfThere = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** Starts a command and waits until its port listens. */
export async function runProxy(
  folder: string,
  [command, ...args]: readonly string[],
  files: ProxyFiles,
): Promise<RunningProxy> {
  const { host = '127.0.0.1', port } = files;
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
  await untilItListens(host, port, child, () => said);
  return {
    host,
    port,
    ca: files.ca,
    accessLog: () => (files.access ? readIfThere(join(folder, files.access)) : said),
    otherLogs: () => said + (files.error ? readIfThere(join(folder, files.error)) : ''),
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('close', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

async function untilItListens(
  host: string,
  port: number,
  child: ChildProcess,
  said: () => string,
): Promise<void> {
  const attempt = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, host, () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
  for (let tries = 0; !(await attempt()); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error(`the proxy does not listen:\n${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
