/**
 * The path rules on the raw rest of a target, in the order of behaviour §5: what is refused before any root is looked for.
 * Nothing is decoded and encoded again: what passes here is sent byte for byte.
 */

/** A rest that passed. */
export interface CleanPath {
  /** `''`, or raw segments, each after one `/`. */
  readonly path: string;
  /** True when some segment holds an encoded `/`; allowed only where a row names a model. */
  readonly encodedSlash: boolean;
}

// Printable ASCII without the characters that some server reads as a separator of another kind.
const PLAIN = /^[\x21-\x7e]*$/;
const FORBIDDEN = /[\\;#?]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const FORBIDDEN_DECODED = /[\\?#;%\u0000-\u001f\u007f-\u009f]/;

/** Checks the path after the token; null means `bad_target`. One empty segment right after the token is dropped. */
export function cleanPath(rest: string): CleanPath | null {
  const path = rest.startsWith('//') ? rest.slice(1) : rest;
  if (path === '') return { path, encodedSlash: false };
  if (!path.startsWith('/') || path.includes('//')) return null;
  if (!PLAIN.test(path) || FORBIDDEN.test(path)) return null;
  let encodedSlash = false;
  for (const segment of path.slice(1).split('/')) {
    const decoded = decodeSegment(segment);
    if (decoded === null) return null;
    if (decoded.includes('/')) encodedSlash = true;
  }
  return { path, encodedSlash };
}

/**
 * A segment decoded once; null when no reading of it is safe: a bad escape, a second level of escapes (whatever it
 * would decode to), a separator, a control, or a dot segment, also between encoded slashes.
 */
export function decodeSegment(raw: string): string | null {
  let text = raw;
  if (raw.includes('%')) {
    try {
      text = decodeURIComponent(raw);
    } catch {
      return null;
    }
    if (FORBIDDEN_DECODED.test(text)) return null;
  }
  if (!text.includes('/')) return text === '.' || text === '..' ? null : text;
  for (const part of text.split('/')) if (part === '' || part === '.' || part === '..') return null;
  return text;
}
