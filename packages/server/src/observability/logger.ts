/** The port to the log. The relay writes facts in named fields; where they go and how they look is the runtime's. */
import type { LogLevel } from './options.ts';

/** Plain data of one log line. Never a body, a key or a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes lines. Never throws, never waits. */
export interface Logger {
  /** Whether a level is written, so that costly fields need not be built. */
  enabled(level: LogLevel): boolean;
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** A log that goes nowhere. */
export const silentLogger: Logger = { enabled: () => false, log: () => {} };
