/** An entry at another base URL: same endpoints and credential, other host. Used for config overrides and for a token's `base`. */
import { splitBase } from './base-url.ts';
import type { Endpoint, Provider } from './provider.ts';

/**
 * `provider` as reached at `base`. A path that ends in one of the provider's roots moves all of its roots (`https://gw/x/v1` → `/x/v1beta`, `/x/v1`),
 * no path keeps them, any other path becomes the only root. Not trusted: what answers there is not the provider's own host.
 */
export function rebaseProvider(provider: Provider, base: string): Provider {
  const { origin, root } = splitBase(base);
  const at = {
    ...provider,
    origin: new URL(origin).origin,
    vars: varsLeft(provider, provider.roots),
    originByKey: [],
    // what stands at another base is one host: rows of further origins have nowhere to go
    moreOrigins: [],
    endpoints: provider.endpoints.filter(({ root: at }) => at?.startsWith('/~') !== true),
    trusted: false,
    ownBase: true,
  };
  if (root === '') return at;
  const known = longestRootEnding(provider.roots, root);
  if (known === null) {
    const roots = [root];
    return { ...at, vars: varsLeft(provider, roots), roots, endpoints: at.endpoints.map(unbound) };
  }
  const prefix = root.slice(0, root.length - known.length);
  const others = provider.roots.filter((one) => one !== known);
  return {
    ...at,
    roots: [known, ...others].map((one) => prefix + one),
    endpoints: at.endpoints.map((row) =>
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

/** The variables that still stand somewhere once the host is another: in these roots, a header, a signature's scope, the address of a token endpoint. */
function varsLeft(provider: Provider, roots: readonly string[]): Provider['vars'] {
  const { auth, otherCredentials, setHeaders, endpoints } = provider;
  const places = [roots, auth, otherCredentials, setHeaders, endpoints.map((row) => row.auth)];
  const texts = JSON.stringify(places);
  return Object.fromEntries(Object.entries(provider.vars).filter(([name]) => texts.includes(`{${name}}`)));
}

function unbound(row: Endpoint): Endpoint {
  const { root: _root, ...rest } = row;
  return rest;
}
