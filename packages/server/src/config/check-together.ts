/**
 * Rules that look at more than one key of the config, and keys that are accepted but do nothing yet.
 * What one key alone may hold stands in the schema.
 */
import { createIngressOptions } from '../ingress/options.ts';
import type { VaultEntry } from './entries.ts';
import { isLoopbackHost } from './loopback.ts';
import type { Fault } from './problems.ts';
import type { Config } from './schema.ts';

function checkVault(name: string, entry: VaultEntry): Fault[] {
  const path = ['vault', name];
  const single = [entry.key_env, entry.key_file].filter((value) => value !== undefined).length;
  const parts = [...Object.keys(entry.credential_env ?? {}), ...Object.keys(entry.credential_file ?? {})];
  if (single + Math.min(parts.length, 1) === 0) {
    return [
      {
        path,
        message: 'names no key',
        fix: 'add "key_env" (a variable) or "key_file" (a file of mode 0600)',
      },
    ];
  }
  if (single + Math.min(parts.length, 1) > 1) {
    return [{ path, message: 'names its key in more than one way', fix: 'keep one of them' }];
  }
  const twice = parts.find((part, index) => parts.indexOf(part) !== index);
  if (twice === undefined) return [];
  return [
    {
      path: [...path, 'credential_file', twice],
      message: 'stands in credential_env too',
      fix: 'keep one of them',
    },
  ];
}

function checkAdmin({ admin, server }: Config): Fault[] {
  if (!admin.enabled) return [];
  const faults: Fault[] = [];
  if (admin.secret_env !== null && admin.secret_file !== null) {
    faults.push({
      path: ['admin', 'secret_file'],
      message: 'stands beside "secret_env"',
      fix: 'keep one of them',
    });
  }
  if (!isLoopbackHost(admin.host) && admin.secret_env === null && admin.secret_file === null) {
    faults.push({
      path: ['admin', 'host'],
      message: 'is not a loopback address, and the admin listener has no secret',
      fix: 'listen on 127.0.0.1, or set "secret_env" or "secret_file"',
    });
  }
  if (admin.port !== 0 && admin.port === server.port && admin.host === server.host) {
    faults.push({
      path: ['admin', 'port'],
      message: `is the relay's own port, ${admin.port}`,
      fix: 'choose another port, or set "enabled" to false',
    });
  }
  return faults;
}

function checkStore({ store }: Config): Fault[] {
  if (store.type === 'memory') return [];
  return [
    {
      path: ['store', 'type'],
      message: `the ${store.type} store is not in this release`,
      fix: 'write "memory"; with "snapshot" its counters survive a clean restart',
    },
  ];
}

function checkProxies({ server }: Config): Fault[] {
  return server.trusted_proxies.flatMap((entry, index) => {
    try {
      createIngressOptions({ trusted_proxies: [entry] });
      return [];
    } catch {
      const path = ['server', 'trusted_proxies', index];
      return [{ path, message: 'is no address or CIDR range', fix: 'write 10.0.0.1, 10.0.0.0/8 or ::1' }];
    }
  });
}

/** Every fault that shows only when keys are seen together. */
export function checkTogether(config: Config): Fault[] {
  return [
    ...checkStore(config),
    ...checkAdmin(config),
    ...checkProxies(config),
    ...Object.entries(config.vault).flatMap(([name, entry]) => checkVault(name, entry)),
  ];
}

/** What is worth saying of a key, and what to do where leaving it is not as good. */
interface Advice {
  readonly path: readonly string[];
  readonly message: string;
  readonly fix?: string;
}

/** Keys that are accepted and change nothing yet, or that are worth a second look; one sentence each. */
export function adviseOn(config: Config): Advice[] {
  const advice: Advice[] = [];
  for (const sink of ['database', 'web', 'parquet'] as const) {
    if (config.log[sink] !== undefined) {
      advice.push({
        path: ['log', sink],
        message: 'is accepted but has no effect yet: the log goes to standard output',
      });
    }
  }
  if (config.server.country_header !== null && config.server.trusted_proxies.length === 0) {
    advice.push({
      path: ['server', 'country_header'],
      message: 'is believed from trusted proxies only, and none is listed',
      fix: 'list the proxy’s address in "trusted_proxies"',
    });
  }
  for (const key of ['path', 'url'] as const) {
    if (config.store[key] !== null) {
      advice.push({ path: ['store', key], message: 'has no effect with the memory store' });
    }
  }
  const { public_url: publicUrl } = config.server;
  if (publicUrl?.startsWith('http:') && !isLoopbackHost(new URL(publicUrl).hostname)) {
    advice.push({
      path: ['server', 'public_url'],
      message: 'is plain http: tokens in it can be read on the way',
    });
  }
  return advice;
}
