/**
 * The whole of config.json: every group in one schema, from which types, defaults, config.schema.json and options.md come.
 */
import { z } from 'zod';
import { logOptions } from '../observability/options.ts';
import { providersSection, vaultSection } from './entries.ts';
import {
  adminSection,
  corsSection,
  dampingSection,
  rateLimitSection,
  serverSection,
  storeSection,
  upstreamSection,
} from './sections.ts';

/** Every key of config.json. Unknown names are refused at every depth. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: 'For editors; not read by the relay.' }),
  server: serverSection,
  cors: corsSection,
  store: storeSection,
  rate_limit: rateLimitSection,
  damping: dampingSection,
  upstream: upstreamSection,
  providers: providersSection,
  vault: vaultSection,
  log: logOptions,
  admin: adminSection,
});

/** The checked config, defaults filled in, names as in the file. */
export type Config = z.output<typeof configSchema>;
