/** Who called the relay: not by what the runtime says of itself, but by whose code stands on the stack. */
import type { Relay } from '../../src/relay.ts';

/** One request as it came to the spine. */
export interface Entry {
  /** The folder of `runtime/` from which the call came; null when it came from anywhere else. */
  readonly runtime: string | null;
  /** What the request says of itself: `exact` is what only the raw listener can promise. */
  readonly exact: boolean;
}

const entries: Entry[] = [];

/** Everything that came in since the last look. */
export function takeEntries(): Entry[] {
  return entries.splice(0);
}

/** The same relay; whoever asks it anything is noted first. */
export function watched(relay: Relay): Relay {
  return {
    ...relay,
    handle(request, sink) {
      const [, runtime = null] = /\/src\/runtime\/([a-z]+)\//.exec(new Error('who').stack ?? '') ?? [];
      entries.push({ runtime, exact: request.exact });
      return relay.handle(request, sink);
    },
  };
}
