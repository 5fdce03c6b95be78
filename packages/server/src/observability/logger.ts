/** The port to the log. The relay writes facts in named fields; where they go and how they look is the runtime's. */
import { printable, redact, remember } from '../redact.ts';
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

/** A logger with the second wall in front (behaviour spec §9): message and every text masked, for runtimes whose logger is somebody else's. */
export function maskLogger(logger: Logger): Logger {
  const mask = (value: LogFields[string]) => (typeof value === 'string' ? redact(value) : value);
  return {
    enabled: (level) => logger.enabled(level),
    log(level, message, fields = {}) {
      const masked = Object.entries(fields).map(([name, value]) => [name, mask(value)] as const);
      logger.log(level, redact(message), Object.fromEntries(masked));
    },
  };
}

/** A text from outside for the log: masked, without control characters, at most `length` characters. */
export function safeText(text: string, length: number): string {
  return maskText(text).slice(0, length);
}

const maskText = remember((text) => redact(printable(text)));

/** An exception, masked: kind, message, first lines of its stack, kind and message of its cause. Never throws, whatever was thrown. */
export function errorFields(error: unknown): LogFields {
  try {
    return describeError(error);
  } catch {
    // a value without a text, a getter that throws: what it is cannot be told, that it was there can
    return { 'exception.message': 'a thrown value that cannot be shown' };
  }
}

function describeError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { 'exception.message': safeText(String(error), 512) };
  const stack = String(error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : undefined;
  return {
    'exception.type': safeText(String(error.name), 128),
    'exception.message': safeText(String(error.message), 2048),
    'exception.stacktrace': safeText(
      stack
        .slice(0, 12)
        .map((line) => line.trim())
        .join(' | '),
      4096,
    ),
    'exception.cause': cause === undefined ? undefined : safeText(cause, 512),
  };
}
