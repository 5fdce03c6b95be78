/** Where the provider stands for one token: the registry's origin, one with variables, one chosen by the key, or an allowed `base`. */
import type { Secret } from 'relayapi-token';
import { isPlainOrigin, isPlainPath } from '../providers/catalog.ts';
import { splitBase } from '../providers/define.ts';
import type { Provider } from '../providers/provider.ts';

/** The origin of a registry or config entry, or null when `vars` do not fit it. */
export function originOf(
  provider: Provider,
  vars: Readonly<Record<string, string>>,
  key: Secret | null,
): string | null {
  const wanted = Object.keys(provider.vars);
  if (Object.keys(vars).length !== wanted.length) return null;
  for (const name of wanted) {
    const value = Object.hasOwn(vars, name) ? vars[name] : undefined;
    if (value === undefined || !anchored(provider.vars[name] as string).test(value)) return null;
  }
  const byKey = provider.originByKey.find(
    ({ pattern }) => key && new RegExp(pattern, 'u').test(key.reveal()),
  );
  const template = byKey?.origin ?? provider.origin;
  const origin = template.replace(/\{([a-z_][a-z0-9_]*)\}/g, (_, name: string) => vars[name] ?? '');
  return isPlainOrigin(origin) ? origin : null;
}

function anchored(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'u');
}

/**
 * True when a token's `base` may be used: https, plain spelling, and the key file lists its host (port 443) or its host and port.
 * A host that parsers could read differently never matches.
 */
export function isBaseAllowed(base: string, hosts: readonly string[]): boolean {
  const { origin, root } = splitBase(base);
  if (!origin.startsWith('https://') || !isPlainOrigin(origin) || !isPlainPath(root)) return false;
  const { hostname, port } = new URL(origin);
  const listed = hosts.map((host) => host.toLowerCase());
  if (listed.includes(`${hostname}:${port || '443'}`)) return true;
  return port === '' && listed.includes(hostname);
}

/** `host:port` of an origin, as `upstream.allow_private` lists it. */
export function hostAndPort(origin: string): string {
  const { hostname, port, protocol } = new URL(origin);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}
