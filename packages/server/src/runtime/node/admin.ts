/** The admin listener: a second, small HTTP server for `/ready`, `/metrics` and details (behaviour spec §10). */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Secret } from 'relayapi-token';
import { createShellListener } from './shell-listener.ts';

/** A running admin listener. */
export interface AdminListener {
  readonly address: AddressInfo;
  close(): Promise<void>;
}

/** Judges `Authorization: Bearer <secret>` in constant time. */
export function createAuthorizer(secret: Secret): (header: string | undefined) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(secret.reveal());
  return (header) => {
    const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), wanted);
  };
}

/** Starts to listen; rejects with Node's error. */
export function startAdmin(
  fetch: (request: Request) => Response | Promise<Response>,
  options: { readonly host: string; readonly port: number },
): Promise<AdminListener> {
  const server = createServer({
    headersTimeout: 5000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: 500,
  });
  server.on('request', createShellListener(fetch));
  server.on('clientError', (_error, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      server.on('error', () => {});
      const close = () =>
        new Promise<void>((done) => {
          server.close(() => done());
          server.closeAllConnections();
        });
      resolve({ address: server.address() as AddressInfo, close });
    });
  });
}
