/**
 * Routing, the stage's entry: from authentic claims and a raw target to exactly where the request would go (behaviour §5, §8).
 * Judges no claim of the policy's; what it refuses has no safe or no known destination.
 */
import type { Allow, UpstreamClaim } from 'relayapi-token';
import { type Denial, deny, isDenial } from '../errors.ts';
import type { Arrival, Opened, Route } from '../exchange.ts';
import type { AuthScheme, Provider, ProviderCatalog } from '../providers/provider.ts';
import { type CredentialParts, formOf, misfitOf, queryNamesOf, routeCredential } from './credential.ts';
import { type EndpointMatch, findEndpoint } from './endpoints.ts';
import { createIdScope, type IdPorts, type IdScope } from './id-scope.ts';
import { idsOf, openTarget } from './ids-on-route.ts';
import { chooseOrigin, type UpstreamOrigin, upstreamOrigins } from './more-origins.ts';
import type { RoutingOptions, VaultEntry } from './options.ts';
import { hostAndPort, isBaseAllowed, originOf } from './origin.ts';
import { cleanPath } from './path.ts';
import { filterQuery } from './query.ts';
import { type RootedPath, readRoots } from './roots.ts';
import { fillRoots, type Variables } from './variables.ts';

/** What routing needs from outside. */
export interface RoutingPorts {
  readonly catalog: ProviderCatalog;
  /** Keys that stay at the relay, by name. */
  readonly vault: ReadonlyMap<string, VaultEntry>;
  /** What the token's key file grants; null when its key is no longer loaded. */
  readonly allowOf: (opened: Opened) => Allow | null;
  /** What sealing ids takes. Without it every request that names a sealed id is refused. */
  readonly ids?: IdPorts;
}

/** The routing stage. */
export interface Routing {
  /** Where a request would go, or why nowhere. Synchronous, without state. */
  route(opened: Opened, arrival: Arrival): Route | Denial;
}

interface Upstream {
  readonly provider: Provider;
  /** Where it stands: its own origin first. */
  readonly origins: readonly UpstreamOrigin[];
  /** Ids that are sealed for the token; null for most. */
  readonly scope: IdScope | null;
  readonly parts: CredentialParts;
  /** How this form of the credential is put in, unless the endpoint has its own way. */
  readonly auth: AuthScheme;
  readonly vars: Variables;
  readonly entry: VaultEntry | null;
  /** Routes of paths that were asked for, by method and rest of the path. */
  readonly routes: Map<string, Route>;
}

/** Routes remembered per token; a holder chooses the paths, so that more than these are worked out anew. */
const MAX_ROUTES = 16;

/** Makes the stage. */
export function createRouting(options: RoutingOptions, ports: RoutingPorts): Routing {
  const allowPrivate = new Set((options.allowPrivate ?? []).map((place) => place.toLowerCase()));
  const upstreams = new WeakMap<
    Opened,
    { readonly allow: Allow | null; readonly upstream: Upstream | Denial }
  >();

  function route(opened: Opened, arrival: Arrival): Route | Denial {
    const upstream = upstreamOf(opened);
    if (isDenial(upstream)) return upstream;
    // One token asks for few paths, most of them again and again, and a path without a query leads to one place.
    const plain = arrival.query === null ? `${arrival.method} ${arrival.rest}` : null;
    const known = plain === null ? undefined : upstream.routes.get(plain);
    if (known !== undefined) return known;
    const found = findRoute(upstream, arrival);
    if (plain !== null && !isDenial(found) && upstream.routes.size < MAX_ROUTES) {
      upstream.routes.set(plain, found);
    }
    return found;
  }

  /** The upstream of a token is worked out once: all it hangs on is the token and what its key file grants. */
  function upstreamOf(opened: Opened): Upstream | Denial {
    const allow = ports.allowOf(opened);
    const known = upstreams.get(opened);
    if (known !== undefined && known.allow === allow) return known.upstream;
    const upstream = chooseUpstream(opened);
    upstreams.set(opened, { allow, upstream });
    return upstream;
  }

  function findRoute(upstream: Upstream, arrival: Arrival): Route | Denial {
    const { provider, parts, auth, vars, entry, scope } = upstream;
    const target = readTarget(upstream, arrival);
    if (isDenial(target)) return target;
    const { root, relative, match, query } = target;
    const endpoint = match?.endpoint ?? null;
    const sent = scope === null ? target : openTarget(target, provider, scope);
    if (isDenial(sent)) return sent;
    // the name of a further origin is no part of the path there
    const joined = root.slice(target.at.prefix.length) + sent.relative;
    const path = joined === '' ? '/' : joined;
    return {
      provider,
      destination: target.at.destination,
      root,
      relative,
      path: sent.query.sent === '' ? path : `${path}?${sent.query.sent}`,
      endpoint,
      segments: match?.segments ?? {},
      query: query.pairs,
      vars,
      credential: routeCredential(endpoint?.auth ?? auth, parts, { vars, destinationOf }),
      secrets: Object.values(parts),
      trusted: provider.trusted,
      vaultModels: entry?.models ?? null,
      vaultPaths: entry?.paths ?? null,
      ids: scope === null ? null : idsOf(upstream, endpoint, scope, arrival.tokenPlace),
    };
  }

  function chooseUpstream(opened: Opened): Upstream | Denial {
    const [claim, ...more] = opened.claims.upstream;
    if (claim === undefined || more.length > 0) return deny('token_unsupported', { param: 'upstream' });
    const found = ports.catalog.find(claim.provider);
    if (found === null) return deny('provider_unknown');
    const credential = credentialOf(claim, found, opened);
    if (isDenial(credential)) return credential;
    const { parts, entry } = credential;
    const misfit = misfitOf(found, parts, claim.base !== undefined);
    if (misfit !== null) return notAllowed(partName(claim), misfit);
    if (claim.base !== undefined) {
      const provider = atBase(claim.base, found, opened);
      if (isDenial(provider)) return provider;
      // what stood in the host alone has no place any more
      const left = Object.entries(claim.vars ?? {}).filter(([name]) => Object.hasOwn(provider.vars, name));
      return upstreamAt(provider, parts, Object.fromEntries(left), entry, opened);
    }
    return upstreamAt(found, parts, entry?.vars ?? claim.vars ?? {}, entry, opened);
  }

  function upstreamAt(
    provider: Provider,
    parts: CredentialParts,
    vars: Upstream['vars'],
    entry: VaultEntry | null,
    opened: Opened,
  ): Upstream | Denial {
    const origin = originOf(provider, vars, parts['key'] ?? null);
    const there = origin === null ? null : fillRoots(provider, vars);
    if (origin === null || there === null) return otherVars(provider);
    const auth = formOf(there, parts)?.auth ?? there.auth;
    const origins = upstreamOrigins(there, origin, vars, destinationOf);
    const scope = createIdScope(there, opened, ports.ids);
    return { provider: there, origins, scope, parts, auth, vars, entry, routes: new Map() };
  }

  function destinationOf(origin: string): Route['destination'] {
    return { origin, allowPrivate: allowPrivate.has(hostAndPort(origin)) };
  }

  function credentialOf(
    claim: UpstreamClaim,
    provider: Provider,
    opened: Opened,
  ): { parts: CredentialParts; entry: VaultEntry | null } | Denial {
    if (claim.vault === undefined) {
      return { parts: claim.credential ?? (claim.key ? { key: claim.key } : {}), entry: null };
    }
    if (claim.base !== undefined) return notAllowed('upstream.base', 'a vault key goes to its own host only');
    if (!ports.allowOf(opened)?.vault.includes(claim.vault)) {
      return notAllowed('upstream.vault', 'the key file does not list this vault name');
    }
    const entry = ports.vault.get(claim.vault);
    if (entry === undefined) return notAllowed('upstream.vault', 'no such vault entry');
    if (ports.catalog.find(entry.provider) !== provider) {
      return notAllowed('upstream.vault', 'the vault entry belongs to another provider');
    }
    if (claim.vars !== undefined && entry.vars !== undefined) {
      return notAllowed('upstream.vars', 'the vault entry says where its key goes');
    }
    return { parts: entry.credential, entry };
  }

  function atBase(base: string, provider: Provider, opened: Opened): Provider | Denial {
    if (options.allowBase === false)
      return notAllowed('upstream.base', 'this runtime cannot check addresses');
    const there = ports.catalog.at(provider, base);
    if (there === null || !isBaseAllowed(there.origin, ports.allowOf(opened)?.hosts ?? [])) {
      return notAllowed('upstream.base', 'the key file does not list this host');
    }
    return there;
  }

  return { route };
}

interface Target extends RootedPath {
  readonly at: UpstreamOrigin;
  readonly match: EndpointMatch | null;
  readonly query: NonNullable<ReturnType<typeof filterQuery>>;
}

function readTarget({ provider, auth, origins }: Upstream, arrival: Arrival): Target | Denial {
  const clean = cleanPath(arrival.rest);
  if (clean === null) return deny('bad_target', { reason: 'path' });
  const { at, path } = chooseOrigin(origins, clean.path);
  const readings = readRoots(path, at.roots);
  let chosen = readings[0] as RootedPath;
  let match: EndpointMatch | null = null;
  for (const reading of readings) {
    const root = at.prefix + reading.root;
    match = findEndpoint(provider, arrival.method, root, reading.relative);
    if (match === null) continue;
    chosen = { root, relative: reading.relative };
    break;
  }
  // what no row knows is asked of the entry's own origin alone
  if (match === null && at.prefix !== '') return deny('path_denied');
  if (clean.encodedSlash && match === null) return deny('bad_target', { reason: 'encoded slash' });
  const own = queryNamesOf(match?.endpoint.auth ?? auth);
  const passed =
    own.length === 0 ? provider.passQuery : provider.passQuery.filter((name) => !own.includes(name));
  const query = filterQuery(arrival.query, passed, provider);
  if (query === null) return deny('bad_target', { reason: 'query' });
  const named = match?.endpoint.models?.some(
    (place) =>
      place.in === 'query' && query.pairs.some(([name, value]) => name === place.name && value.includes('+')),
  );
  // `+` is a space to some servers and itself to others: a checked value must mean one thing.
  if (named) return deny('bad_target', { reason: 'query model' });
  return { ...chosen, at, match, query };
}

function partName(claim: UpstreamClaim): string {
  if (claim.vault !== undefined) return 'upstream.vault';
  return claim.credential === undefined ? 'upstream.key' : 'upstream.credential';
}

function otherVars({ id }: Provider): Denial {
  return notAllowed('upstream.vars', `the address of ${id} takes other variables`);
}

function notAllowed(param: string, reason: string): Denial {
  return deny('claim_not_allowed', { param, reason });
}
