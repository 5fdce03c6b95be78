/** HTTP/1.1 as bytes over TLS, for what a proxy in front should never get. */
import { connect } from 'node:tls';
import type { RunningProxy } from './proxy-process.ts';

/** Writes bytes (latin1) and reads until the other side closes or `timeoutMs` have passed. */
export function sendRawTls(proxy: RunningProxy, bytes: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host: proxy.host,
      port: proxy.port,
      servername: 'localhost',
      ca: proxy.ca,
      ALPNProtocols: ['http/1.1'],
    });
    let text = '';
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', finish);
    socket.on('secureConnect', () => socket.write(bytes, 'latin1'));
  });
}
