/** Fresh `.rai` files: `./default.rai` on a first start, and what `-gen` prints. */
import { createRai, RaiError } from 'relayapi-token';
import { isLoopbackHost } from '../../config/loopback.ts';
import type { ConfigProblem } from '../../config/problems.ts';
import type { Config } from '../../config/schema.ts';
import { createSecretFile, explainSystemError } from './secret-files.ts';

/** The file that is used, and made, without `-rai`. */
export const DEFAULT_RAI = './default.rai';

/** `host:port`, brackets around IPv6. */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}

/** The URL under which the relay listens, with its base path. */
export function listenUrl(server: Config['server'], port = server.port): string {
  return `http://${hostPort(server.host, port)}${server.base_path}`;
}

function raiText(rai: object): string {
  return `${JSON.stringify(rai, null, 2)}\n`;
}

/** The URL of a relay from what stands after `-gen`: `host:port` or a URL; null when it is neither. Off loopback it is https, since tokens travel in it. */
export function genUrl(target: string, basePath: string): string | null {
  if (/^https?:\/\//i.test(target)) {
    if (!URL.canParse(target)) return null;
    const url = new URL(target);
    return url.pathname === '/' ? `${url.origin}${basePath}` : url.href;
  }
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(target);
  const port = Number(match?.[2] ?? 1);
  if (!match || port < 1 || port > 65_535) return null;
  return `${isLoopbackHost(match[1] as string) ? 'http' : 'https'}://${target}${basePath}`;
}

/** A fresh shared file for `-gen`, as text. */
export function generateRai(target: string, basePath: string): string | { readonly problem: ConfigProblem } {
  const source = 'command line';
  const url = genUrl(target, basePath);
  const fix = 'write -gen 127.0.0.1:8840 or -gen relay.example.com:443';
  if (url === null) return { problem: { source, path: '-gen', message: 'is no host with a port', fix } };
  try {
    return raiText(createRai({ method: 'aes', relay: url, role: 'shared' }).shared);
  } catch (error) {
    if (!(error instanceof RaiError)) throw error;
    const message = error.problems[0]?.message ?? 'is no address of a relay';
    return { problem: { source, path: '-gen', message, fix } };
  }
}

/** Writes a fresh shared file, mode 0600; what is wrong, or null. Never touches a file that is there. */
export function makeDefaultRai(path: string, server: Config['server']): ConfigProblem | null {
  const problem = (message: string, fix: string): ConfigProblem => ({
    source: path,
    path: '$',
    message,
    fix,
  });
  try {
    const relay = server.public_url ?? listenUrl(server, server.port === 0 ? 8840 : server.port);
    createSecretFile(path, raiText(createRai({ method: 'aes', relay, role: 'shared' }).shared));
    return null;
  } catch (error) {
    if (error instanceof RaiError) {
      const [first] = error.problems;
      return problem(`cannot be made: ${first?.message}`, first?.fix ?? 'name a key file with -rai');
    }
    const { message, fix } = explainSystemError(error);
    return problem(`cannot be made: ${message}`, `${fix}, or name a key file with -rai`);
  }
}
