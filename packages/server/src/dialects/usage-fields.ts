/** Builds a usage value from what a provider counted, leaving out what it did not say. */
import type { Usage } from '../usage.ts';

/** The counts of one answer; absent is undefined. */
export interface UsageCounts {
  readonly input?: number | undefined;
  readonly output?: number | undefined;
  readonly cached?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly reasoning?: number | undefined;
}

/** The usage value, or null when nothing was counted. */
export function usageOf(counts: UsageCounts): Usage | null {
  const usage: { -readonly [K in keyof Usage]: Usage[K] } = {};
  if (counts.input !== undefined) usage.inputTokens = counts.input;
  if (counts.output !== undefined) usage.outputTokens = counts.output;
  if (counts.cached !== undefined) usage.cachedInputTokens = counts.cached;
  if (counts.cacheWrite !== undefined) usage.cacheWriteTokens = counts.cacheWrite;
  if (counts.reasoning !== undefined) usage.reasoningTokens = counts.reasoning;
  return Object.keys(usage).length === 0 ? null : usage;
}

/** A sum in which an absent part counts as nothing; undefined when all are absent. */
export function sumOf(...parts: readonly (number | undefined)[]): number | undefined {
  let sum: number | undefined;
  for (const part of parts) if (part !== undefined) sum = (sum ?? 0) + part;
  return sum;
}
