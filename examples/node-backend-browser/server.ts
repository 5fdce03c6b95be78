// The backend: it knows the provider's key and gives each visitor a sealed URL instead. Plain node:http, no framework.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { build } from 'esbuild';
import { RelayAPIClient } from 'relayapi-sdk';

const port = Number(process.env.PORT ?? 3000);
const relay = new RelayAPIClient(process.env.RELAY_RAI ?? '../../default.rai');
const LIFE_SECONDS = 600;

/** One URL per visitor and ten minutes. With a login of your own, use the user's id instead of a cookie. */
const handedOut = new Map<string, { baseURL: string; until: number }>();

function relayUrlFor(visitor: string): string {
  const now = Date.now();
  for (const [who, { until }] of handedOut) if (until <= now) handedOut.delete(who);
  const known = handedOut.get(visitor);
  if (known) return known.baseURL;
  const baseURL = relay.generateUrl({
    provider: process.env.PROVIDER ?? 'demo',
    apiKey: process.env.PROVIDER_API_KEY ?? 'sk-demo-not-a-key',
    subject: visitor,
    maxCalls: 20,
    expireSeconds: LIFE_SECONDS,
    rateLimit: { requests: 5, perSeconds: 10 },
    allowedOrigins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`],
    allowedPaths: ['POST /chat/completions'],
    allowedModels: [process.env.MODEL ?? 'demo-chat'],
    set: { model: process.env.MODEL ?? 'demo-chat' },
    cap: { max_tokens: 500 },
  });
  handedOut.set(visitor, { baseURL, until: now + LIFE_SECONDS * 1000 });
  return baseURL;
}

const bundle = await build({
  entryPoints: [new URL('./page.ts', import.meta.url).pathname],
  bundle: true,
  format: 'esm',
  write: false,
});
const script = bundle.outputFiles[0]?.text;
const html = readFileSync(new URL('./page.html', import.meta.url), 'utf8');

createServer((req, res) => {
  const visitor = /(?:^|; )visitor=([0-9a-f-]{36})(?:;|$)/.exec(req.headers.cookie ?? '')?.[1];
  if (req.method === 'GET' && req.url === '/') {
    const cookie = `visitor=${visitor ?? randomUUID()}; HttpOnly; SameSite=Strict; Path=/`;
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'set-cookie': cookie }).end(html);
  } else if (req.method === 'GET' && req.url === '/page.js') {
    res.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(script);
  } else if (req.method === 'POST' && req.url === '/relay-url' && visitor) {
    const body = JSON.stringify({ baseURL: relayUrlFor(visitor) });
    res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body);
  } else {
    res.writeHead(404).end();
  }
}).listen(port, '127.0.0.1', () => console.log(`open http://127.0.0.1:${port}/`));
