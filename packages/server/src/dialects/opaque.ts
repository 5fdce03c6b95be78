/** Anything that no dialect is known for: passed as it is, broken off by the socket alone. */
import type { Dialect } from './dialect.ts';

/** The dialect. */
export const opaque: Dialect = {
  name: 'opaque',
  streamErrorFrame: () => null,
  readUsage: () => null,
};
