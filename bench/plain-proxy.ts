// The yardstick: the shortest Node proxy that keeps its connections alive. Usage: plain-proxy.ts PORT UPSTREAM_PORT
import { Agent, createServer, request } from 'node:http';

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true });

createServer((incoming, outgoing) => {
  const { host: _host, connection: _connection, ...headers } = incoming.headers;
  const upstream = request(
    { host: '127.0.0.1', port: upstreamPort, method: incoming.method, path: incoming.url, headers, agent },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  upstream.on('error', () => outgoing.destroy());
  outgoing.on('close', () => upstream.destroy());
  incoming.pipe(upstream);
}).listen(port, '127.0.0.1', () => console.log('ready'));
