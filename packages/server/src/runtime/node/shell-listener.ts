/** Joins the Hono shell to Node's requests. The only file that knows @hono/node-server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';

/** A Node request handler for a Fetch handler; the global Request and Response stay as they are. */
export function createShellListener(
  fetch: (request: Request) => Response | Promise<Response>,
): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  const listener = getRequestListener((request) => fetch(request), { overrideGlobalObjects: false });
  return async (req, res) => {
    await listener(req, res);
  };
}
