/** Joins a clean path to one of the provider's roots (behaviour §5 and §8), so that bases with and without a version work alike. */

/** One way to read a path. */
export interface RootedPath {
  /** A root of the provider, in full. */
  readonly root: string;
  /** What follows it, raw: `''` or starting with `/`. */
  readonly relative: string;
}

const VERSION = /^v\d+[a-z0-9]*$/;

/**
 * The ways to read `path`, best first; at least one. The longest prefix that is a root or the end of one is dropped, then at
 * most one repetition of its version. Several roots can share that prefix (`/v1` of `/api/v1` and `/apps/x/v1`): the one that
 * equals it comes first, then the registry's order, and the caller takes the first that has the endpoint.
 */
export function readRoots(path: string, roots: readonly string[]): RootedPath[] {
  const segments = path.slice(1).split('/');
  let longest = 0;
  let found: { root: string; exact: boolean }[] = [];
  for (const root of roots) {
    const parts = root === '' ? [] : root.slice(1).split('/');
    const length = longestEnd(segments, parts);
    if (length < longest) continue;
    if (length > longest) found = [];
    longest = length;
    found.push({ root, exact: length === parts.length });
  }
  if (longest === 0) {
    // no root was written: the default one is meant, or the path stands right at the origin
    const bare = roots.indexOf('') > 0 ? [{ root: '', relative: path }] : [];
    return [{ root: roots[0] ?? '', relative: path }, ...bare];
  }
  const ordered = [...found.filter((one) => one.exact), ...found.filter((one) => !one.exact)];
  const last = segments[longest - 1] as string;
  const repeated = segments[longest] === last && VERSION.test(last);
  const rest = segments.slice(longest + (repeated ? 1 : 0));
  const relative = rest.length === 0 ? '' : `/${rest.join('/')}`;
  return ordered.map(({ root }) => ({ root, relative }));
}

// Length of the longest end of `parts` that `segments` begins with.
function longestEnd(segments: readonly string[], parts: readonly string[]): number {
  for (let length = Math.min(parts.length, segments.length); length > 0; length -= 1) {
    const from = parts.length - length;
    let same = true;
    for (let index = 0; same && index < length; index += 1) same = segments[index] === parts[from + index];
    if (same) return length;
  }
  return 0;
}
