/** The registry for the `providers` commands: built-in entries, and what a config file makes of them. */
import type { Config, Provider } from 'relayapi-server';
import { type Refused, refuse } from './outcome.ts';
import type { Terminal } from './terminal.ts';

/** What is known. */
export interface KnownProviders {
  readonly config: Config;
  /** Every entry, also those that a relay would not find. */
  readonly all: readonly Provider[];
  /** By id or another name, as above. */
  find(name: string): Provider | null;
  /** Whether a relay would find it. */
  isOpen(entry: Provider): boolean;
}

/** Reads the registry and, if named, a config file; refused with every problem of the file. */
export async function loadProviders(
  config: string | null,
  terminal: Terminal,
): Promise<KnownProviders | Refused> {
  // loaded here, so that no other command waits for the server's code
  const { checkStart, createCatalog, REGISTRY } = await import('relayapi-server');
  const start = await checkStart({
    config,
    rai: null,
    // variables of a relay's options count beside its file, and for nobody else
    env: config === null ? {} : terminal.env,
    allowShared: false,
    raiGroupRead: false,
    secrets: false,
  });
  const { catalog, problems } = createCatalog(REGISTRY, start.config.providers);
  const source = config ?? 'config';
  const all = [...start.problems, ...problems.map((problem) => ({ ...problem, source }))];
  if (all.length > 0) return { kind: 'refused', problems: all };
  const open = catalog.ids.flatMap((id) => catalog.find(id) ?? []);
  const ids = new Set(open.map(({ id }) => id));
  const entries = [...open, ...REGISTRY.filter(({ id }) => !ids.has(id))];
  const named = (name: string) =>
    entries.find(({ id, aliases }) => id === name || aliases.includes(name)) ?? null;
  return {
    config: start.config,
    all: entries,
    find: named,
    isOpen: (entry) => catalog.find(entry.id) !== null,
  };
}

/** A name that no entry has, with those that come near. The name is not repeated: a key may have been written there. */
export function unknownProvider(name: string, { all }: KnownProviders): Refused {
  const wanted = name.toLowerCase();
  const near = all
    .filter(
      ({ id, aliases }) =>
        wanted.length > 1 && [id, ...aliases].some((each) => each.includes(wanted) || wanted.includes(each)),
    )
    .map(({ id }) => id)
    .slice(0, 5);
  const fix = near.length === 0 ? 'see relayapi providers list' : `did you mean ${near.join(', ')}?`;
  return refuse('providers', 'none of them has this name', fix);
}
