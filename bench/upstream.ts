// The upstream of the benchmarks: nginx with a fixed answer, or Node where nginx is missing. Usage of the file itself: upstream.ts PORT
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const text = 'All work and no play makes a token a dull bearer. '.repeat(24);

// 1.5 KB of JSON in the shape of a chat completion.
const ANSWER = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'gpt-4o-mini',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: text } }],
  usage: { prompt_tokens: 230, completion_tokens: 240, total_tokens: 470 },
});

const NGINX = '/usr/sbin/nginx';

/** The command that serves the fixed answer on a port, and the name of what serves it. `folder` may be written to. */
export function upstreamCommand(port: number, folder: string): { kind: 'nginx' | 'node'; command: string[] } {
  if (!existsSync(NGINX)) {
    return { kind: 'node', command: [process.execPath, import.meta.filename, String(port)] };
  }
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type application/json; return 200 '${ANSWER}'; }
  }
}
`,
  );
  return { kind: 'nginx', command: [NGINX, '-p', folder, '-c', file] };
}

if (import.meta.main) {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(ANSWER) };
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, headers).end(ANSWER));
  });
  server.keepAliveTimeout = 600_000;
  server.listen(Number(process.argv[2]), '127.0.0.1');
}
