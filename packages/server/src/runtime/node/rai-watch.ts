/**
 * Looks at the `.rai` files whenever something may have changed: told by the file system where it tells, and by the clock where not.
 * A change is in effect well within a second.
 */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { RaiFiles, RaiLook } from './rai-files.ts';

/** How often files are looked at when nobody says that they changed, in milliseconds. */
const POLL_MS = 400;
/** After a word of a change: time for the rest of it to be written. */
const DEBOUNCE_MS = 40;

/** Who is told. */
export interface RaiWatchOptions {
  readonly path: string;
  readonly files: RaiFiles;
  /** Called, one call at a time, when the set in use or the rejections changed. */
  readonly onChange: (look: RaiLook) => void | Promise<void>;
  /** Told of faults in looking; watching goes on. */
  readonly onFault: (error: unknown) => void;
}

/** A running watch. */
export interface RaiWatch {
  /** Looks now, as SIGHUP asks for. Resolves when a change is in effect. */
  lookNow(): Promise<void>;
  stop(): void;
}

/** Starts to watch. */
export function watchRaiFiles({ path, files, onChange, onFault }: RaiWatchOptions): RaiWatch {
  let stopped = false;
  let soon: NodeJS.Timeout | null = null;
  let waiting = 0;
  let running: Promise<void> = Promise.resolve();

  async function lookOnce(): Promise<void> {
    if (stopped) return;
    try {
      const look = await files.look();
      if (!stopped && (look.changed || look.newlyRejected.length > 0)) await onChange(look);
    } catch (error) {
      onFault(error);
    }
  }

  function lookNow(): Promise<void> {
    waiting += 1;
    running = running.then(lookOnce).finally(() => {
      waiting -= 1;
    });
    return running;
  }

  function lookSoon(): void {
    soon ??= setTimeout(() => {
      soon = null;
      void lookNow();
    }, DEBOUNCE_MS);
  }

  let watcher: FSWatcher | null = null;
  try {
    watcher = watch(files.folder ? path : dirname(path), { persistent: false }, lookSoon);
    // the folder went away, or the system has no more watches to give: the clock goes on
    watcher.on('error', () => watcher?.close());
  } catch {
    // no watches here: the clock alone
  }
  const poll = setInterval(() => {
    // a look that takes long is not followed by all those it kept waiting
    if (waiting === 0) void lookNow();
  }, POLL_MS);
  poll.unref();

  return {
    lookNow,
    stop() {
      stopped = true;
      watcher?.close();
      clearInterval(poll);
      if (soon !== null) clearTimeout(soon);
    },
  };
}
