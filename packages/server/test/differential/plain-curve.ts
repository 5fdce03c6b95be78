/**
 * Points of y² = x³ - 3x + b modulo the prime of P-256, added by the school's formulas, which never look at b: what a multiplication
 * without a check of its input would come to. Slow, and for tests only.
 */

/** The field's prime (FIPS 186-4 D.1.2.3). */
export const PRIME = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
/** The order of P-256's group. */
export const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A point that is not the neutral one. */
export interface PlainPoint {
  readonly x: bigint;
  readonly y: bigint;
}

const mod = (n: bigint): bigint => ((n % PRIME) + PRIME) % PRIME;

/** Extended Euclid: much faster here than a power. */
function invert(n: bigint): bigint {
  let [a, b, u, v] = [mod(n), PRIME, 1n, 0n];
  while (a > 1n) {
    const q = b / a;
    [a, b] = [b - q * a, a];
    [u, v] = [v - q * u, u];
  }
  return mod(u);
}

function add(p: PlainPoint | null, q: PlainPoint | null): PlainPoint | null {
  if (p === null) return q;
  if (q === null) return p;
  if (p.x === q.x && mod(p.y + q.y) === 0n) return null;
  const slope =
    p.x === q.x ? mod((3n * p.x * p.x - 3n) * invert(2n * p.y)) : mod((q.y - p.y) * invert(q.x - p.x));
  const x = mod(slope * slope - p.x - q.x);
  return { x, y: mod(slope * (p.x - x) - p.y) };
}

/** `times` · `point`; null where that is the neutral point. */
export function multiply(times: bigint, point: PlainPoint): PlainPoint | null {
  let [sum, power]: (PlainPoint | null)[] = [null, point];
  for (let left = times; left > 0n; left >>= 1n) {
    if (left & 1n) sum = add(sum as PlainPoint | null, power as PlainPoint | null);
    power = add(power as PlainPoint | null, power as PlainPoint | null);
  }
  return sum as PlainPoint | null;
}
