/** Times and spans in words: UTC, to the second, never in the machine's own zone. */

/** Seconds since 1970 as `2026-11-20 19:29:00 UTC`. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  // beyond what a date can hold
  if (Number.isNaN(date.getTime())) return `second ${seconds}`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** A span in its two largest units: `1 h 5 min`, `0 s`. */
export function formatSpan(seconds: number): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first === -1) return '0 s';
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}

/** A time as people write it: seconds since 1970, or an ISO 8601 date with a zone; null when it is neither. */
export function parseTime(text: string): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text))
    return null;
  const millis = Date.parse(text);
  return Number.isNaN(millis) ? null : Math.floor(millis / 1000);
}
