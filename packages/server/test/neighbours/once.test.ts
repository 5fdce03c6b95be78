/**
 * One request in front is at most one call behind: proxies that try again, and keep-alive connections that end at the wrong moment.
 * With nginx, Caddy and haproxy as the guide has them, and worse.
 * house: real time, since other people's programs have no fake clock.
 */

import { writeFileSync } from 'node:fs';
import { Agent, request as requestHttp } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '../support/free-port.ts';
import { makeProxyFolder, type RunningProxy, runProxy } from '../support/proxy-process.ts';
import {
  type Edit,
  haproxy,
  haproxyCommand,
  nginx,
  nginxCommand,
  nginxConfig,
  PROXY_PROGRAMS,
} from '../support/proxy-programs.ts';
import { chatBody, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

let relay: RelayFixture;
let proxy: RunningProxy | null = null;
beforeAll(async () => {
  relay = await startRelay({ config: { server: { trusted_proxies: ['127.0.0.1'] } } });
});
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
  relay.demo.reset();
});
afterAll(() => relay.close());

/** Status of a POST in plain HTTP; 0 when the connection broke. */
function post(port: number, token: string, body: string, agent?: Agent): Promise<number> {
  return new Promise((resolve) => {
    const sent = requestHttp(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: `/relayapi/${token}/v1/chat/completions`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        ...(agent && { agent }),
      },
      (response) => response.resume().on('close', () => resolve(response.statusCode ?? 0)),
    );
    sent.on('error', () => resolve(0));
    sent.end(body);
  });
}

/** How often the upstream was asked with this mark. */
const callsOf = (mark: string) =>
  relay.demo.requests.filter((request) => String(request.body).includes(mark)).length;

/** What an upstream may do that makes a proxy want to try again. */
const TROUBLE = ['demo-error-500', 'demo-error-503', 'demo-error-429', 'demo-die-0', 'demo-die-3'];

async function expectOnce(port: number, label: string): Promise<void> {
  for (const [i, model] of TROUBLE.entries()) {
    const mark = `${label}-${i}.`;
    const token = relay.token({ maxCalls: 1, maxAttempts: 1 });
    await post(port, token, chatBody(model, { user: mark }));
    expect(callsOf(mark), `${label} ${model}`).toBe(1);
  }
}

describe('a proxy that tries again', () => {
  it.for(PROXY_PROGRAMS)('is not $name as the guide has it', async (program, context) => {
    context.skip(program.command === null, `${program.name} is missing`);
    proxy = await program.start(relay.port, { role: 'inner' });
    await expectOnce(proxy.port, program.name);
  });

  it('is nginx with proxy_next_upstream for everything: still one call upstream for a token of one', async (context) => {
    context.skip(nginx.command === null, 'nginx is missing');
    const { folder, cert } = makeProxyFolder();
    const port = await findFreePort();
    const again =
      'error timeout invalid_header http_500 http_502 http_503 http_504 http_403 http_404 http_429 non_idempotent';
    const server = `upstream relays {
        ${`server 127.0.0.1:${relay.port} max_fails=0;`.repeat(3)}
      }
      server {
        listen 127.0.0.1:${port};
        access_log off;
        location / {
          proxy_pass http://relays;
          proxy_http_version 1.1;
          proxy_next_upstream ${again};
        }
      }`;
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, server));
    proxy = await runProxy(folder, nginxCommand(folder), { port, ca: cert });
    const attempts = () => relay.lines.filter((line) => line['url.path'] !== undefined).length;
    const before = attempts();
    await expectOnce(port, 'nginx-again');
    // it did try again: the relay saw more requests than were sent
    expect(attempts() - before).toBeGreaterThan(TROUBLE.length);
  });

  it('is haproxy with retry-on all-retryable-errors: still one call upstream for a token of one', async (context) => {
    context.skip(haproxy.command === null, 'haproxy is missing');
    const { folder, cert } = makeProxyFolder();
    const port = await findFreePort();
    const file = `defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    retries 3

frontend relay
    bind 127.0.0.1:${port}
    default_backend relay

backend relay
    option redispatch 1
    retry-on all-retryable-errors 500 502 503
    server one 127.0.0.1:${relay.port}
    server two 127.0.0.1:${relay.port}
`;
    writeFileSync(join(folder, 'haproxy.cfg'), file);
    proxy = await runProxy(folder, haproxyCommand(folder), { port, ca: cert });
    const attempts = () => relay.lines.filter((line) => line['url.path'] !== undefined).length;
    const before = attempts();
    await expectOnce(port, 'haproxy-again');
    expect(attempts() - before).toBeGreaterThan(TROUBLE.length);
  });
});

/**
 * A way to the relay on which three of four connections end badly: when the second request comes, when it has gone on to the relay
 * but is not answered, and straight behind the first answer, while the proxy may be sending the next request already.
 */
async function startCuttingTunnel(): Promise<{ port: number; close(): void }> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    const far = connect(relay.port, '127.0.0.1');
    const fate = (['lives', 'unsent', 'unanswered', 'answered'] as const)[connections++ % 4];
    let answered = false;
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        cut();
      });
    }
    near.on('data', (chunk) => {
      if (answered && fate === 'unsent') return cut();
      far.write(chunk);
      if (answered && fate === 'unanswered') far.end(() => near.destroy());
    });
    far.on('data', (chunk) => {
      answered = true;
      near.write(chunk, () => {
        if (fate === 'answered') cut();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

describe('connections that end while a request comes', () => {
  it.for(PROXY_PROGRAMS)('never double a call behind $name', async (program, context) => {
    context.skip(program.command === null, `${program.name} is missing`);
    const tunnel = await startCuttingTunnel();
    // nginx keeps no connections to the relay unless told to
    const keep: Edit[] = [
      [
        'map $request_uri',
        `upstream kept { server 127.0.0.1:${tunnel.port} max_fails=0; keepalive 8; }\nmap $request_uri`,
      ],
      ['proxy_pass http://127.0.0.1', 'proxy_pass http://kept; #'],
    ];
    proxy = await program.start(tunnel.port, {
      role: 'inner',
      edits: program.name === 'nginx' ? keep : [],
    });
    const { port } = proxy;
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const marks = Array.from({ length: 240 }, (_, i) => `${program.name}-race-${i}.`);
    const statuses: number[] = [];
    for (let at = 0; at < marks.length; at += 8) {
      await Promise.all(
        marks.slice(at, at + 8).map(async (mark) => {
          const token = relay.token({ maxCalls: 1, maxAttempts: 1 });
          statuses.push(await post(port, token, chatBody('demo-chat', { user: mark }), agent));
        }),
      );
    }
    tunnel.close();
    agent.destroy();
    expect(marks.filter((mark) => callsOf(mark) > 1)).toEqual([]);
    // some calls came through, some were cut: else the test would show nothing
    expect(statuses).toContain(200);
    expect(statuses.some((status) => status !== 200)).toBe(true);
  });
});
