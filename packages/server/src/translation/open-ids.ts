/** Sealed ids in a request body, put back as the upstream has them (0033). Every other byte stays. */
import { type Denial, deny } from '../errors.ts';
import type { RouteIds } from '../exchange.ts';
import { editStrings } from '../json-edit.ts';
import { createNameGuard, type NameGuard, type Path, pointsTo } from '../pointers.ts';
import type { BodyIdTaken } from '../providers/provider.ts';

const MAX_DEPTH = 64;

/** The body with its ids opened; `path_denied` for one that this subject was not given, `bad_body` for a text that two readers may read differently. */
export function openIds(bytes: Uint8Array, ids: RouteIds): Uint8Array | Denial {
  const { guard, places: all } = planOf(ids.takes);
  let foreign = false;
  const opened = new Map<string, string | null>();
  /** One id may stand in a body a million times: it is opened once. */
  const openOnce = (place: BodyIdTaken, sealed: string): string | null => {
    // the same text may be an id behind one prefix and none behind another
    const name = `${place.kind}\0${place.prefix ?? ''}\0${sealed}`;
    const before = opened.get(name);
    if (before !== undefined) return before;
    const id = openAt(place, sealed, ids);
    opened.set(name, id);
    return id;
  };
  const edited = editStrings(
    bytes,
    {
      refuses: (path) => guard.isLookalike(namesOf(path)),
      replace(path, text) {
        // refused already: no more is opened for whoever sends many
        if (foreign) return null;
        const here = namesOf(path);
        const places = all.filter(({ names }) => pointsTo(names, here, 'exact'));
        if (places.length === 0) return null;
        const sealed = text();
        for (const { place } of places) {
          const id = openOnce(place, sealed);
          if (id !== null) return id;
        }
        foreign ||= places.every(({ place }) => !isElsewhere(place, sealed));
        return null;
      },
    },
    { maxDepth: MAX_DEPTH },
  );
  if (edited === null) return deny('bad_body');
  return foreign ? deny('path_denied') : edited;
}

/** Member names alone: a lone object may stand for a list, a list for what should be one string, and a list within a list for either. */
function namesOf(path: Path): string[] {
  return path.filter((step): step is string => typeof step === 'string' && step !== '*');
}

/** The string with its id opened, null when it is none of this subject's. */
function openAt({ kind, prefix = '' }: BodyIdTaken, text: string, ids: RouteIds): string | null {
  if (!text.startsWith(prefix)) return null;
  const id = ids.open(kind, text.slice(prefix.length));
  return id === null ? null : prefix + id;
}

/** A URL of another host than the one that the provider's own ids stand at. What is no plain URL might be read as anything. */
function isElsewhere({ prefix = '' }: BodyIdTaken, text: string): boolean {
  if (!/^https?:/.test(prefix) || !/^https?:\/\/[^\s\\]+$/i.test(text) || !URL.canParse(text)) return false;
  const hostOf = (url: string) => new URL(url).hostname.replace(/\.$/, '');
  return hostOf(text) !== hostOf(prefix);
}

interface Plan {
  readonly guard: NameGuard;
  readonly places: readonly { readonly place: BodyIdTaken; readonly names: readonly string[] }[];
}

const plans = new WeakMap<RouteIds['takes'], Plan>();

function planOf(takes: RouteIds['takes']): Plan {
  const known = plans.get(takes);
  if (known !== undefined) return known;
  const places = takes.map((place) => ({ place, names: namesOf(place.at) }));
  const plan = { guard: createNameGuard(places.map(({ names }) => names)), places };
  plans.set(takes, plan);
  return plan;
}
