/** DeepL's translation API: bills characters, which are no tokens, and does not stream. */
import type { Dialect } from './dialect.ts';

/** The dialect. */
export const deepl: Dialect = {
  name: 'deepl',
  streamErrorFrame: () => null,
  readUsage: () => null,
};
