/** Where the provider stands for one token: the registry's origin, one with variables, one chosen by the key, or an allowed `base`. */
import type { Secret } from 'relayapi-token';
import type { Provider } from '../providers/provider.ts';
import { fillVars, type Variables, varsFit } from './variables.ts';

/** The origin of a registry or config entry, or null when `vars` do not fit it. */
export function originOf(provider: Provider, vars: Variables, key: Secret | null): string | null {
  if (!varsFit(provider, vars)) return null;
  const byKey = provider.originByKey.find(
    ({ pattern }) => key && new RegExp(pattern, 'u').test(key.reveal()),
  );
  const origin = fillVars(byKey?.origin ?? provider.origin, vars);
  return URL.canParse(origin) && new URL(origin).origin === origin ? origin : null;
}

/** True when a token's `base` may lead to `origin`: https, and the key file lists its host (port 443) or its host and port. */
export function isBaseAllowed(origin: string, hosts: readonly string[]): boolean {
  const { protocol, hostname, port } = new URL(origin);
  if (protocol !== 'https:') return false;
  const listed = hosts.map((host) => host.toLowerCase());
  if (listed.includes(`${hostname}:${port || '443'}`)) return true;
  return port === '' && listed.includes(hostname);
}

/** `host:port` of an origin, as `upstream.allow_private` lists it. */
export function hostAndPort(origin: string): string {
  const { hostname, port, protocol } = new URL(origin);
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}
