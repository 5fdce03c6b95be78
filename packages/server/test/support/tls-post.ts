/** One small POST over TLS to a proxy on loopback, by the certificate it shows. */
import { request } from 'node:https';

/** Posts `{}`; resolves with the status. */
export function postTls(
  proxy: { readonly port: number; readonly ca: string },
  path: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: proxy.port,
        path,
        method: 'POST',
        ca: proxy.ca,
        servername: 'localhost',
        agent: false,
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.setHeader('content-type', 'application/json');
    sent.end('{}');
  });
}
