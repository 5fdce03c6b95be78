/** Finds the name a typing mistake was meant to be. */

/** Edits (insert, drop, swap neighbours, change) from `a` to `b`: optimal string alignment. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const above = rows[i - 1] as number[];
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(
        (above[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (above[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, ((rows[i - 2] as number[])[j - 2] as number) + 1);
      }
      row.push(best);
    }
    rows.push(row);
  }
  return (rows[a.length] as number[])[b.length] as number;
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[-_.]/g, '');

/** The nearest of `names`, or null when none is near enough to be meant. Case, `-`, `_` and `.` do not count. */
export function nearest(typed: string, names: readonly string[]): string | null {
  const wanted = plain(typed.slice(0, 64));
  let best: string | null = null;
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of names) {
    const name = plain(candidate);
    // half a name is a mistake of its own kind: `key` for `key_env`
    const begun = wanted.length >= 3 && name.startsWith(wanted);
    const distance = begun ? Math.min(2, name.length - wanted.length) : editDistance(wanted, name);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}
