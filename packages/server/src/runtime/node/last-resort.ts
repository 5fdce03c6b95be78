/**
 * What the process itself would say beside the log: warnings, exceptions before there is a log, diagnostic reports (behaviour spec §9, §10).
 * All of it masked. What the engine writes as it dies (out of memory, core files) is beyond reach of any code here.
 */
import { errorFields } from '../../observability/logger.ts';
import { printable, redact } from '../../redact.ts';

/** The part of `process` that is used. */
export interface GuardedProcess {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  removeAllListeners(event: string): unknown;
  listenerCount(event: string): number;
  exit(code: number): void;
  readonly stderr: { write(text: string): unknown };
  readonly report?: { excludeEnv?: boolean; excludeNetwork?: boolean } | undefined;
}

/** Lets go of exceptions once the log takes them. */
export interface Guard {
  release(): void;
}

/** Longest line that is written, in characters. */
const MAX_LINE = 4096;

/** One masked line for standard error. */
function line(text: string): string {
  return `relayapi-server: ${redact(printable(text)).slice(0, MAX_LINE)}\n`;
}

/** Takes warnings, reports and, until released, exceptions: each of these ends the start with exit code 1. */
export function guardProcess(process: GuardedProcess): Guard {
  // a report lists the environment, where keys may stand; its network part resolves names as the process dies
  if (process.report) {
    process.report.excludeEnv = true;
    process.report.excludeNetwork = true;
  }
  // without a listener warnings are switched off (--no-warnings), and stay so
  if (process.listenerCount('warning') > 0) {
    process.removeAllListeners('warning');
    process.on('warning', (warning) => {
      const fields = errorFields(warning);
      const kind = fields['exception.type'] ?? 'Warning';
      process.stderr.write(line(`${kind}: ${fields['exception.message'] ?? ''}`));
    });
  }
  const fall = (error: unknown) => {
    process.stderr.write(faultLine(error));
    process.exit(1);
  };
  process.on('uncaughtException', fall);
  process.on('unhandledRejection', fall);
  return {
    release() {
      process.off('uncaughtException', fall);
      process.off('unhandledRejection', fall);
    },
  };
}

/** An exception in one masked line. */
export function faultLine(error: unknown): string {
  const fields = errorFields(error);
  const kind = fields['exception.type'] ?? 'thrown';
  const cause = fields['exception.cause'] === undefined ? '' : ` (${fields['exception.cause']})`;
  return line(`${kind}: ${fields['exception.message'] ?? ''}${cause}`);
}
