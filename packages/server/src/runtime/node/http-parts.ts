/**
 * `node:http` without what importing it costs: an import reads every export, and one of them, `WebSocket`, then loads the fetch that is
 * built into Node, 40 ms of CPU and 13 MB. What is built takes these instead (tsup.config.ts). Nothing here is of our own.
 */
const http = process.getBuiltinModule('node:http');

/** As in `node:http`. */
export const createServer = http.createServer;
/** As in `node:http`. */
export const STATUS_CODES = http.STATUS_CODES;
