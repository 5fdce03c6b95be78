/** Sealed ids in a request body, put back as the upstream has them (0033). Every other byte stays. */
import { type Denial, deny } from '../errors.ts';
import type { RouteIds } from '../exchange.ts';
import { editStrings } from '../json-edit.ts';
import { createNameGuard, type NameGuard, pointsTo } from '../pointers.ts';
import type { BodyIdTaken } from '../providers/provider.ts';

const MAX_DEPTH = 64;

/** The body with its ids opened; `path_denied` for one that this subject was not given, `bad_body` for a text that two readers may read differently. */
export function openIds(bytes: Uint8Array, ids: RouteIds): Uint8Array | Denial {
  const { takes } = ids;
  const guard = guardOf(takes);
  let foreign = false;
  // a caller may write one id a hundred thousand times, and each opening is cryptography
  const known = new Map<string, string>();
  const opened = editStrings(
    bytes,
    {
      refuses: (path) => guard.isLookalike(path),
      replace(path, text) {
        // the answer stands; what is left is whether the text can be read at all
        if (foreign) return null;
        // a lone object may stand for a list of one
        const places = takes.filter((place) => pointsTo(place.at, path, 'lenient'));
        if (places.length === 0) return null;
        const sealed = text();
        for (const place of places) {
          const id = known.get(`${place.kind} ${sealed}`) ?? openAt(place, sealed, ids);
          if (id === null) continue;
          known.set(`${place.kind} ${sealed}`, id);
          return id;
        }
        foreign ||= places.every((place) => !isElsewhere(place, sealed));
        return null;
      },
    },
    { maxDepth: MAX_DEPTH },
  );
  if (opened === null) return deny('bad_body');
  return foreign ? deny('path_denied') : opened;
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

const guards = new WeakMap<RouteIds['takes'], NameGuard>();

function guardOf(takes: RouteIds['takes']): NameGuard {
  const known = guards.get(takes);
  if (known !== undefined) return known;
  const guard = createNameGuard(takes.map(({ at }) => at));
  guards.set(takes, guard);
  return guard;
}
