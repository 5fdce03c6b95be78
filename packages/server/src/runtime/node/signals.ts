/** Signals and last resorts of the process: drain on SIGTERM and SIGINT, look at the keys on SIGHUP, survive what nobody caught. */

/** What the process does. */
export interface SignalHandlers {
  /** First SIGTERM or SIGINT: let streams end. */
  readonly drain: () => void;
  /** The second: end them now. */
  readonly hurry: () => void;
  /** SIGHUP. */
  readonly reload: () => void;
  /** An exception that nobody caught; the process goes on. */
  readonly fault: (error: unknown) => void;
}

/** The part of `process` that is used. */
export interface SignalSource {
  on(event: string, listener: (value: unknown) => void): unknown;
}

/** Takes the process's signals. */
export function handleSignals(source: SignalSource, handlers: SignalHandlers): void {
  let asked = false;
  const stop = () => {
    if (asked) return handlers.hurry();
    asked = true;
    handlers.drain();
  };
  source.on('SIGTERM', stop);
  source.on('SIGINT', stop);
  source.on('SIGHUP', () => handlers.reload());
  source.on('uncaughtException', (error) => handlers.fault(error));
  source.on('unhandledRejection', (reason) => handlers.fault(reason));
}
