/** What the log and the metrics can be told: levels only; where they go is the runtime's. */
import { z } from 'zod';

/** Levels of the log, least important first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** A level of the log. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const legacySink = (what: string) =>
  z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description: `${what} of the predecessor’s files: accepted, without effect yet (a warning says so).`,
    });

/** `log` of config.json. Unknown names are refused. */
export const logOptions = z
  .strictObject({
    console: z
      .boolean()
      .default(true)
      .meta({ description: 'Writes the log to standard output, one JSON object per line.' }),
    level: z.enum(LOG_LEVELS).default('info').meta({
      description: 'Least level that is written.',
      security: 'No level shows keys, tokens or bodies; `debug` shows more about who asks for what.',
    }),
    database: legacySink('Database log'),
    web: legacySink('Web log'),
    parquet: legacySink('Parquet log'),
  })
  .prefault({})
  .meta({ description: 'The log.' });
