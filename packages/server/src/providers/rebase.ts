/** An entry at another base URL: same endpoints and credential, other host. Used for config overrides and for a token's `base`. */
import { splitBase } from './base-url.ts';
import type { Endpoint, Provider } from './provider.ts';

/**
 * `provider` as reached at `base`. A path that ends in one of the provider's roots moves all of its roots (`https://gw/x/v1` → `/x/v1beta`, `/x/v1`),
 * no path keeps them, any other path becomes the only root. Not trusted: what answers there is not the provider's own host.
 */
export function rebaseProvider(provider: Provider, base: string): Provider {
  const { origin, root } = splitBase(base);
  const at = { ...provider, origin: new URL(origin).origin, originByKey: [], trusted: false };
  if (root === '') return { ...at, vars: varsOf(provider, provider.roots) };
  const known = longestRootEnding(provider.roots, root);
  if (known === null) return { ...at, vars: {}, roots: [root], endpoints: provider.endpoints.map(unbound) };
  const prefix = root.slice(0, root.length - known.length);
  const others = provider.roots.filter((one) => one !== known);
  return {
    ...at,
    vars: varsOf(provider, provider.roots),
    roots: [known, ...others].map((one) => prefix + one),
    endpoints: provider.endpoints.map((row) =>
      row.root === undefined ? row : { ...row, root: prefix + row.root },
    ),
  };
}

function longestRootEnding(roots: readonly string[], path: string): string | null {
  let best: string | null = null;
  for (const root of roots) {
    if (root === '' || !path.endsWith(root)) continue;
    if (best === null || root.length > best.length) best = root;
  }
  return best;
}

/** The variables that these roots hold; those of the origin went with it. */
function varsOf({ vars }: Provider, roots: readonly string[]): Provider['vars'] {
  return Object.fromEntries(
    Object.entries(vars).filter(([name]) => roots.some((root) => root.includes(`{${name}}`))),
  );
}

function unbound(row: Endpoint): Endpoint {
  const { root: _root, ...rest } = row;
  return rest;
}
