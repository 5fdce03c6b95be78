/** Base URLs as text: split into origin and root, and judged, but never normalised. */

/** `https://host/a/b` as origin `https://host` and root `/a/b`; no root is `''`. The text is taken as it stands. */
export function splitBase(base: string): { origin: string; root: string } {
  const afterScheme = base.indexOf('://') + 3;
  const slash = base.indexOf('/', afterScheme);
  if (slash === -1) return { origin: base, root: '' };
  return { origin: base.slice(0, slash), root: base.slice(slash).replace(/\/+$/, '') };
}

/** True for `''` and for a path of plain segments: no dot segments, empty segments or escapes. */
export function isPlainPath(path: string): boolean {
  return /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*$/.test(path);
}

/** True for an http(s) origin that stands in the form every URL parser gives it (a default port may be written). */
export function isPlainOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const parsed = new URL(origin);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return false;
  const port = parsed.protocol === 'https:' ? ':443' : ':80';
  return parsed.origin === origin || parsed.origin + port === origin;
}
