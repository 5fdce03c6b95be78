// What one request costs, as a table and against an earlier measurement. Pure.
import { spreadOf } from './figures.ts';

/** Costs of one request, one number per run of the relay; empty when it was not measured. */
export interface Costs {
  readonly node: string;
  readonly heapBytes: number[];
  readonly instructions: number[];
}

/** From here on a change is named; a share of the earlier figure. Measured: repeated runs of one build differ by less (CONTRIBUTING). */
const THRESHOLDS = { heapBytes: 0.02, instructions: 0.02 } as const;

const NAMES = {
  heapBytes: 'bytes on the heap per request',
  instructions: 'instructions per request',
} as const;
const KINDS = Object.keys(NAMES) as (keyof typeof NAMES)[];

const whole = (value: number) => Math.round(value).toLocaleString('en');

/** Median and range of each cost. */
export function renderCosts(costs: Costs): string {
  return KINDS.map((kind) => {
    if (costs[kind].length === 0) return `${NAMES[kind]}: not measured`;
    const { median, min, max } = spreadOf(costs[kind]);
    const range = ((max - min) / median) * 100;
    return `${NAMES[kind]}: ${whole(median)} (${whole(min)}–${whole(max)}, ${range.toFixed(2)} % apart)`;
  }).join('\n');
}

/** Names what changed by more than its threshold; `slipped` when something costs more. */
export function compareCosts(before: Costs, after: Costs): { text: string; slipped: boolean } {
  let slipped = false;
  const lines = KINDS.flatMap((kind) => {
    if (before[kind].length === 0 || after[kind].length === 0) return [];
    const [old, now] = [spreadOf(before[kind]).median, spreadOf(after[kind]).median];
    const change = now / old - 1;
    const worse = change > THRESHOLDS[kind];
    if (worse) slipped = true;
    const word = worse ? 'SLIPPED' : change < -THRESHOLDS[kind] ? 'better' : 'unchanged';
    return [`${word}: ${NAMES[kind]} ${whole(old)} → ${whole(now)} (${(change * 100).toFixed(2)} %)`];
  });
  if (before.node !== after.node) lines.push(`careful: ${before.node} before, ${after.node} now`);
  return { text: lines.join('\n'), slipped };
}
