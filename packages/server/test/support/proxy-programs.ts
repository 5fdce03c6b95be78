/** nginx, Caddy and haproxy in front of a relay, with the very configuration that docs/guides/behind-a-proxy.md shows. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from './free-port.ts';
import { makeProxyFolder, type RunningProxy, runProxy } from './proxy-process.ts';

const GUIDE = new URL('../../../../docs/guides/behind-a-proxy.md', import.meta.url);

/** One text of a configuration and what stands in its place. */
export type Edit = readonly [from: string, to: string];

/** How a proxy stands. */
export interface ProxyOptions {
  /**
   * `front` (default): the guide's block as it is. `inner`: behind another proxy, in plain HTTP, handing on the list of addresses
   * as the guide's section on two proxies says.
   */
  readonly role?: 'front' | 'inner';
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Further changes; a text that is not there throws. */
  readonly edits?: readonly Edit[];
  /** nginx: with the access log that it writes by itself, instead of the guide's masked one. */
  readonly plainLog?: boolean;
}

/** One of the three. */
export interface ProxyProgram {
  readonly name: 'nginx' | 'caddy' | 'haproxy';
  readonly command: string | null;
  start(relayPort: number, options?: ProxyOptions): Promise<RunningProxy>;
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

/** A line that the guide tells to put in the place of another; throws when it no longer says so. */
function guideSays(line: string): string {
  if (!readFileSync(GUIDE, 'utf8').includes(line)) throw new Error(`the guide no longer says ${line}`);
  return line;
}

/** Replaces every pair; throws when a text to replace is not there, so that the guide cannot drift away. */
function adapt(text: string, pairs: readonly Edit[]): string {
  return pairs.reduce((rest, [from, to]) => {
    if (!rest.includes(from)) throw new Error(`the guide no longer says ${from}`);
    return rest.replaceAll(from, to);
  }, text);
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

/** nginx.conf around what belongs inside `http { }`, all files in `folder`. */
export function nginxConfig(folder: string, inside: string, errorLog = 'stderr crit'): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n');
  return `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log ${errorLog};\nevents {}\nhttp {\n${paths}\n${inside}\n}\n`;
}

/** The command that runs nginx with `folder/nginx.conf`. */
export function nginxCommand(folder: string): string[] {
  return [nginx.command as string, '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
}

/** nginx with the guide's block. */
export const nginx: ProxyProgram = {
  name: 'nginx',
  command: findCommand('/usr/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'),
  async start(relayPort, { role = 'front', host = '127.0.0.1', edits = [], plainLog = false } = {}) {
    const { folder, cert } = makeProxyFolder();
    const port = await findFreePort(host);
    const listen = `listen ${bracketed(host)}:${port}`;
    const server = adapt(guideBlock('nginx'), [
      ...(plainLog ? ([['relay.log relay;', 'relay.log combined;']] as const) : []),
      ['listen 443 ssl http2', role === 'front' ? `${listen} ssl http2` : listen],
      ['/etc/ssl/relay.example.com.pem', `${folder}/cert.pem`],
      ['/etc/ssl/relay.example.com.key', `${folder}/key.pem`],
      ['/var/log/nginx/', `${folder}/`],
      ['127.0.0.1:8840', `127.0.0.1:${relayPort}`],
      ...(role === 'inner'
        ? [
            [
              'proxy_set_header X-Forwarded-For $remote_addr;',
              guideSays('proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'),
            ] as const,
          ]
        : []),
      ...edits,
    ]);
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, server));
    return runProxy(folder, nginxCommand(folder), {
      host,
      port,
      ca: cert,
      access: 'relay.log',
      error: 'relay.error.log',
    });
  },
};

/** Caddy with the guide's block. */
export const caddy: ProxyProgram = {
  name: 'caddy',
  command: findCommand('/usr/bin/caddy', '/usr/local/bin/caddy', '/opt/homebrew/bin/caddy'),
  async start(relayPort, { role = 'front', host = '127.0.0.1', edits = [] } = {}) {
    const { folder, cert } = makeProxyFolder();
    const port = await findFreePort(host);
    const site =
      role === 'front'
        ? `https://localhost:${port}, https://${bracketed(host)}:${port} {\n\tbind ${bracketed(host)}\n\ttls cert.pem key.pem`
        : `http://:${port} {\n\tbind ${bracketed(host)}`;
    const file = adapt(guideBlock('caddy'), [
      ['{\n\tlog default', '{\n\tadmin off\n\tauto_https disable_redirects\n\tlog default'],
      ['relay.example.com {', site],
      ['/var/log/caddy/', `${folder}/`],
      ...(role === 'inner'
        ? [
            [
              'reverse_proxy 127.0.0.1:8840',
              `reverse_proxy 127.0.0.1:8840 {\n\t\t${guideSays('trusted_proxies 127.0.0.1')}\n\t}`,
            ] as const,
          ]
        : []),
      ['127.0.0.1:8840', `127.0.0.1:${relayPort}`],
      ...edits,
    ]);
    writeFileSync(join(folder, 'Caddyfile'), file);
    const command = [caddy.command as string, 'run', '--adapter', 'caddyfile', '--config', 'Caddyfile'];
    return runProxy(folder, command, { host, port, ca: cert, access: 'relay.log' });
  },
};

/** haproxy with the guide's block. */
export const haproxy: ProxyProgram = {
  name: 'haproxy',
  command: findCommand('/usr/sbin/haproxy', '/usr/local/sbin/haproxy', '/opt/homebrew/bin/haproxy'),
  async start(relayPort, { role = 'front', host = '127.0.0.1', edits = [] } = {}) {
    const { folder, cert } = makeProxyFolder();
    const port = await findFreePort(host);
    const bind = `bind ${host}:${port}`;
    const file = adapt(guideBlock('haproxy'), [
      [
        'bind :443 ssl crt /etc/haproxy/relay.example.com.pem alpn h2,http/1.1',
        role === 'front' ? `${bind} ssl crt ${folder}/both.pem alpn h2,http/1.1` : bind,
      ],
      ['log /dev/log local0', 'log stdout format raw local0'],
      ['127.0.0.1:8840', `127.0.0.1:${relayPort}`],
      ...(role === 'inner'
        ? [['http-request set-header X-Forwarded-For %[src]', guideSays('option forwardfor')] as const]
        : []),
      ...edits,
    ]);
    writeFileSync(join(folder, 'haproxy.cfg'), file);
    return runProxy(folder, haproxyCommand(folder), { host, port, ca: cert });
  },
};

/** The command that runs haproxy with `folder/haproxy.cfg`. */
export function haproxyCommand(folder: string): string[] {
  return [haproxy.command as string, '-db', '-f', join(folder, 'haproxy.cfg')];
}

/** All of them. */
export const PROXY_PROGRAMS: readonly ProxyProgram[] = [nginx, caddy, haproxy];
