/**
 * Joins the Hono shell to Node's requests. The only file that knows @hono/node-server, which is loaded with the first request:
 * it brings Node's own fetch with it, 13 MB that a relay without such requests never needs.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

type NodeListener = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** A Node request handler for a Fetch handler; the global Request and Response stay as they are. */
export function createShellListener(fetch: (request: Request) => Response | Promise<Response>): NodeListener {
  let listener: Promise<NodeListener> | null = null;

  async function load(): Promise<NodeListener> {
    const { getRequestListener } = await import('@hono/node-server');
    const listen = getRequestListener((request) => fetch(request), { overrideGlobalObjects: false });
    return async (req, res) => {
      await listen(req, res);
    };
  }

  return async (req, res) => {
    listener ??= load();
    await (await listener)(req, res);
  };
}
