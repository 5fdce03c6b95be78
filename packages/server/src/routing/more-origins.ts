/** The origins of a provider: its own, and further ones that the entry names, each reached under `/~alias`. */
import type { Route } from '../exchange.ts';
import type { Provider } from '../providers/provider.ts';
import { fillVars, type Variables } from './variables.ts';

/** One origin as it stands for a token. */
export interface UpstreamOrigin {
  /** `''` for the entry's own, else `/~alias`. */
  readonly prefix: string;
  readonly destination: Route['destination'];
  readonly roots: readonly string[];
}

/** The entry's own origin first. Variables are those of `origin`, judged there. */
export function upstreamOrigins(
  provider: Provider,
  own: string,
  vars: Variables,
  destinationOf: (origin: string) => Route['destination'],
): readonly UpstreamOrigin[] {
  return [
    { prefix: '', destination: destinationOf(own), roots: provider.roots },
    ...provider.moreOrigins.map(({ alias, origin, roots }) => ({
      prefix: `/~${alias}`,
      destination: destinationOf(fillVars(origin, vars)),
      roots,
    })),
  ];
}

/** Which of them a clean path asks for, and the path there. */
export function chooseOrigin(
  origins: readonly UpstreamOrigin[],
  path: string,
): { readonly at: UpstreamOrigin; readonly path: string } {
  const own = origins[0] as UpstreamOrigin;
  if (origins.length === 1 || !path.startsWith('/~')) return { at: own, path };
  const slash = path.indexOf('/', 1);
  const prefix = slash === -1 ? path : path.slice(0, slash);
  const at = origins.find((other) => other.prefix === prefix);
  return at === undefined ? { at: own, path } : { at, path: path.slice(prefix.length) };
}
