/** Pointers of the registry into a JSON text, a body or an answer: member names, `*` for each array item, `**` for any depth. */

/** A pointer as the registry writes it. */
export type Pointer = readonly string[];
/** Where a scan stands. */
export type Path = readonly (string | number)[];

/** `exact`: `*` is an array item. `lenient`: or nothing, for upstreams that take a lone object for a list of one. */
export type StarMode = 'exact' | 'lenient';

/** Whether a path ends where a pointer points to. */
export function pointsTo(pointer: Pointer, path: Path, star: StarMode, p = 0, at = 0): boolean {
  if (p === pointer.length) return at === path.length;
  const step = pointer[p] as string;
  if (step === '**') {
    for (let next = at; next <= path.length; next++)
      if (pointsTo(pointer, path, star, p + 1, next)) return true;
    return false;
  }
  if (step === '*' && star === 'lenient' && pointsTo(pointer, path, star, p + 1, at)) return true;
  // Past the end this is undefined, which no step names.
  const here = path[at];
  if (step === '*' ? typeof here !== 'number' : here !== step) return false;
  return pointsTo(pointer, path, star, p + 1, at + 1);
}

/** Finds member names that a careless parser takes for a checked name: equal under simple case folding up to a NUL, where a C string ends, but not byte for byte. */
export interface NameGuard {
  /** `path` ends with the member's decoded name. */
  isLookalike(path: Path): boolean;
}

interface CheckedName {
  readonly parent: Pointer;
  readonly name: string;
  readonly folded: RegExp;
}

function foldedName(name: string): RegExp {
  // The flags i and u together compare by Unicode simple case folding (ECMA-262 Canonicalize).
  return new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')}(?:\\0|$)`, 'iu');
}

/** A guard over every name on the way to what these pointers point to. */
export function createNameGuard(pointers: readonly Pointer[]): NameGuard {
  const checked = new Map<string, CheckedName>();
  for (const pointer of pointers) {
    pointer.forEach((name, i) => {
      if (name === '*' || name === '**') return;
      const parent = pointer.slice(0, i);
      checked.set([...parent, name].join('\0'), { parent, name, folded: foldedName(name) });
    });
  }
  const all = [...checked.values()];
  return {
    isLookalike(path) {
      const name = path[path.length - 1];
      if (typeof name !== 'string') return false;
      const alike = all.filter((one) => one.folded.test(name));
      if (alike.length === 0) return false;
      const above = path.slice(0, -1);
      const here = alike.filter((one) => pointsTo(one.parent, above, 'lenient'));
      return here.length > 0 && !here.some((one) => one.name === name);
    },
  };
}
