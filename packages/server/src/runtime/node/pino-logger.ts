/**
 * The log on Node: pino, JSON lines to a stream, every line searched for secrets before it leaves (behaviour spec §9).
 * The only file that knows pino.
 */
import pino from 'pino';
import type { Logger } from '../../observability/logger.ts';
import type { LogLevel } from '../../observability/options.ts';
import { redact } from '../../redact.ts';

/** Where lines go: `process.stdout`, or a test's list. */
export interface LineTarget {
  write(line: string): unknown;
}

/** A logger that writes lines of at least `level` to `target`. */
export function createPinoLogger(level: LogLevel, target: LineTarget): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => target.write(redact(line)) },
  );
  return {
    enabled: (wanted) => log.isLevelEnabled(wanted),
    log: (wanted, message, fields) => log[wanted](fields ?? {}, message),
  };
}
