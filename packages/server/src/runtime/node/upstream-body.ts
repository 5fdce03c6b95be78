/**
 * A streamed request body that can be handed to a second connection as long as no byte of it has gone out.
 * Holds back nothing but the one chunk that is on its way.
 */

/** One body, given to one connection at a time. */
export interface RestartableBody {
  /** The body for the next attempt; an earlier attempt's iterator gets nothing more. */
  open(): AsyncIterable<Uint8Array>;
  /** The chunk given out last has been written to the socket. */
  confirm(): void;
  /** What the body itself threw, wrapped so that `undefined` can be told from "nothing". */
  failure(): { readonly cause: unknown } | null;
  /** Ends the body: a waiting attempt is woken with an error and the source is told to stop. */
  stop(): void;
}

/** Wraps the one iterator of `source`. */
export function createRestartableBody(source: AsyncIterable<Uint8Array>): RestartableBody {
  let iterator: AsyncIterator<Uint8Array> | null = null;
  let unsent: IteratorResult<Uint8Array> | null = null;
  let pulling: Promise<void> | null = null;
  let failed: { readonly cause: unknown } | null = null;
  let stopped = false;
  let wake: ((error: Error) => void) | null = null;
  let attempt = 0;

  /** Pulls at most one chunk ahead; the result waits in `unsent`. */
  function pull(): Promise<void> {
    iterator ??= source[Symbol.asyncIterator]();
    pulling ??= iterator.next().then(
      (result) => {
        pulling = null;
        unsent = result;
        // an empty chunk is never reported as sent, so it would be given out for ever
        if (!result.done && result.value.byteLength === 0) {
          unsent = null;
          return pull();
        }
      },
      (cause: unknown) => {
        pulling = null;
        failed = { cause };
        throw cause;
      },
    );
    return pulling;
  }

  function next(mine: number): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const ended = () => new Error('the request body is no longer wanted');
      if (stopped || mine !== attempt) return reject(ended());
      if (failed) return reject(failed.cause);
      const give = () => {
        if (stopped || mine !== attempt || unsent === null) return reject(ended());
        wake = null;
        resolve(unsent);
      };
      if (unsent) return give();
      wake = reject;
      pull().then(give, reject);
    });
  }

  return {
    open() {
      const mine = ++attempt;
      wake?.(new Error('the request body moved on'));
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => next(mine),
          return: async () => ({ done: true, value: undefined }),
        }),
      };
    },
    confirm() {
      if (unsent && !unsent.done) unsent = null;
    },
    failure: () => failed,
    stop() {
      if (stopped) return;
      stopped = true;
      wake?.(new Error('the request body is no longer wanted'));
      iterator?.return?.()?.then(undefined, () => {});
    },
  };
}
