/**
 * The two parts of undici that the relay uses. The package's own entry also loads its fetch, caches, mocks and WebSockets: 63 ms of
 * CPU and 11 MB at each start. What is built takes these instead (tsup.config.ts); types stay those of the entry.
 */
import { createRequire } from 'node:module';
import type * as undici from 'undici';

const require = createRequire(import.meta.url);

/** One connection. */
export const Client = require('undici/lib/dispatcher/client.js') as typeof undici.Client;
/** Makes the function that opens sockets. */
export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector;
