/**
 * Where the members of a few objects stand in a JSON text, found in one strict pass (behaviour §6). Offsets are bytes.
 * No tree is built, so that nothing but the spliced members can change.
 */
import { StrictJsonError, scanStrictJson } from 'relayapi-token';

/** A member's value: `start`..`end` in bytes. `text` is set for numbers alone. */
export interface IndexedValue {
  readonly kind: 'string' | 'number' | 'true' | 'false' | 'null' | 'object' | 'array';
  readonly start: number;
  end: number;
  readonly text: string | null;
}

/** One watched object. */
export interface IndexedObject {
  readonly members: Map<string, IndexedValue>;
  /** Offset of the closing brace. */
  close: number;
}

/** What to watch: for each object (by its pointer) the names that are about to be checked or written there. */
export type Watched = ReadonlyMap<string, ReadonlySet<string>>;

const MAX_DEPTH = 64;
const SEPARATOR = '\u0000';

/** Key of a pointer in a `Watched` map; `''` is the whole body. */
export function keyOf(pointer: readonly string[]): string {
  return pointer.join(SEPARATOR);
}

class Lookalike extends Error {}

/** The watched objects that are there, or null when the text is no strict JSON object or holds a watched name in other letters. */
export function indexBody(bytes: Uint8Array, watched: Watched): ReadonlyMap<string, IndexedObject> | null {
  const objects = new Map<string, IndexedObject>();
  const guards = new Map([...watched].map(([key, names]) => [key, createGuard(names)]));
  const deepest = Math.max(
    ...[...watched.keys()].map((key) => (key === '' ? 0 : key.split(SEPARATOR).length)),
  );

  // The key of the watched object at `path`. A name that holds the separator would read as two steps.
  function watchedKey(path: readonly (string | number)[]): string | undefined {
    if (path.some((step) => typeof step !== 'string' || step.includes(SEPARATOR))) return undefined;
    const key = path.join(SEPARATOR);
    return watched.has(key) ? key : undefined;
  }

  // The watched object whose member `path` is, by its key; undefined for everything else.
  function parentKey(path: readonly (string | number)[]): string | undefined {
    if (path.length === 0 || path.length > deepest + 1) return undefined;
    return watchedKey(path.slice(0, -1));
  }

  function put(path: readonly (string | number)[], value: IndexedValue): void {
    const key = parentKey(path);
    if (key !== undefined) objects.get(key)?.members.set(path.at(-1) as string, value);
  }

  try {
    scanStrictJson(
      bytes,
      {
        name(path, name) {
          const key = parentKey(path);
          if (key !== undefined && guards.get(key)?.(name)) throw new Lookalike();
        },
        value(path, kind, start, end, text) {
          put(path, {
            kind,
            start,
            end,
            text: kind === 'number' && path.length <= deepest + 1 ? text() : null,
          });
        },
        enter(path, kind, start) {
          put(path, { kind, start, end: start, text: null });
          if (kind !== 'object' || path.length > deepest) return;
          const key = watchedKey(path);
          if (key !== undefined) objects.set(key, { members: new Map(), close: start });
        },
        leave(path, kind, end) {
          const key = parentKey(path);
          const value = key === undefined ? undefined : objects.get(key)?.members.get(path.at(-1) as string);
          if (value !== undefined) value.end = end;
          const ownKey = kind === 'object' && path.length <= deepest ? watchedKey(path) : undefined;
          const own = ownKey === undefined ? undefined : objects.get(ownKey);
          if (own !== undefined) own.close = end - 1;
        },
      },
      // Names such as `constructor` are harmless here: they only ever become keys of a Map.
      { maxDepth: MAX_DEPTH, allowForbiddenNames: true },
    );
  } catch (error) {
    if (error instanceof StrictJsonError || error instanceof Lookalike) return null;
    throw error;
  }
  return objects.has('') ? objects : null;
}

/** Tells a name that is one of `names` in other letters: equal under simple case folding up to a NUL, where a C string ends, not byte for byte. */
export function createGuard(names: ReadonlySet<string>): (name: string) => boolean {
  if (names.size === 0) return () => false;
  const either = [...names].map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|');
  // The flags i and u together compare by Unicode simple case folding (ECMA-262 Canonicalize).
  const folded = new RegExp(`^(?:${either})(?:\\0|$)`, 'iu');
  return (name) => !names.has(name) && folded.test(name);
}
