/**
 * The log on Node: JSON lines to a stream, every text in them searched for secrets before it leaves (behaviour spec §9).
 * A writer of our own: one line per request, written and searched by a general library, cost more than the request (docs/decisions/0029).
 */
import type { LogFields, Logger } from '../../observability/logger.ts';
import { LOG_LEVELS, type LogLevel } from '../../observability/options.ts';
import { redact, remember } from '../../redact.ts';

/** Where lines go: `process.stdout`, or a test's list. */
export interface LineTarget {
  write(line: string): unknown;
}

const RANKS = Object.fromEntries(LOG_LEVELS.map((level, rank) => [level, rank])) as Record<LogLevel, number>;

/** A value as it stands in a line, masked; remembered, since most of a line stood in the line before. */
const toJson = remember((text) => JSON.stringify(redact(text)));

/** Our own request ids, and IPv4 addresses: they differ from line to line, and nothing else fits into them. */
const PLAIN = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{1,3}(?:\.\d{1,3}){3})$/;

function textOf(value: LogFields[string]): string {
  if (typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value !== 'string') return redact(JSON.stringify(value));
  return PLAIN.test(value) ? `"${value}"` : toJson(value);
}

/** A logger that writes lines of at least `level` to `target`. */
export function createJsonLogger(level: LogLevel, target: LineTarget): Logger {
  const least = RANKS[level];
  let second = Number.NaN;
  /** `2026-11-29T07:00:34.` */
  let secondText = '';

  function timeText(): string {
    const nowMs = Date.now();
    const ms = nowMs % 1000;
    if (nowMs - ms !== second) {
      second = nowMs - ms;
      secondText = new Date(second).toISOString().slice(0, -4);
    }
    return `${secondText}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
  }

  return {
    enabled: (wanted) => RANKS[wanted] >= least,
    log(wanted, message, fields) {
      if (RANKS[wanted] < least) return;
      let line = `{"level":"${wanted}","time":"${timeText()}"`;
      for (const name in fields) {
        const value = fields[name];
        if (value === undefined) continue;
        line += `,"${name}":${textOf(value)}`;
      }
      target.write(`${line},"msg":${toJson(message)}}\n`);
    },
  };
}
