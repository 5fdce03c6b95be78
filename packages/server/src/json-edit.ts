/** Replaces single strings in a JSON text and leaves every other byte as it is. For requests and answers that name ids. */
import { StrictJsonError, scanStrictJson } from 'relayapi-token';
import type { Path } from './pointers.ts';
import { type Edit, splice } from './splice.ts';

/** What to do with the strings of a text. */
export interface StringEdits {
  /** The new content of the string at `path`, null to leave it. `text` decodes it. `path` is one reused list. */
  replace(path: Path, text: () => string): string | null;
  /** Whether a member's name makes the whole text unfit. `path` ends with it. */
  refuses?(path: Path): boolean;
}

/** Bounds of a text. */
export interface TextBounds {
  readonly maxDepth: number;
  readonly maxMembers?: number;
}

class Refused extends Error {}

/** The text with its strings replaced, the same bytes where none is; null when it is no strict JSON within the bounds, or refused. */
export function editStrings(bytes: Uint8Array, edits: StringEdits, bounds: TextBounds): Uint8Array | null {
  const found: Edit[] = [];
  try {
    scanStrictJson(
      bytes,
      {
        name(path) {
          if (edits.refuses?.(path)) throw new Refused();
        },
        value(path, kind, start, end, text) {
          if (kind !== 'string') return;
          const replaced = edits.replace(path, text);
          if (replaced !== null) found.push({ start, end, text: JSON.stringify(replaced) });
        },
      },
      // names such as `constructor` are harmless here: no object is built from them
      { ...bounds, allowForbiddenNames: true },
    );
  } catch (error) {
    if (error instanceof StrictJsonError || error instanceof Refused) return null;
    throw error;
  }
  return splice(bytes, found);
}
