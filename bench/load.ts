// The load: wrk with a script that cycles through paths, or a loop of node:http requests where wrk is missing.
// Usage of the file itself: load.ts PORT CONNECTIONS SECONDS PATHS_FILE; both print one line of JSON.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';

/** What the load saw in one round. Latencies in microseconds. */
export interface LoadResult {
  requests: number;
  seconds: number;
  errors: number;
  p50: number;
  p99: number;
}

/** 1 KB of JSON in the shape of a chat request. */
const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Tell me about bearer tokens. '.repeat(32) }],
  temperature: 0.7,
});

/** What an official SDK sends. */
const HEADERS: Readonly<Record<string, string>> = {
  accept: 'application/json',
  'content-type': 'application/json',
  'user-agent': 'OpenAI/JS 7.55.0',
  'x-stainless-arch': 'x64',
  'x-stainless-lang': 'js',
  'x-stainless-os': 'Linux',
  'x-stainless-package-version': '7.55.0',
  'x-stainless-retry-count': '0',
  'x-stainless-runtime': 'node',
  'x-stainless-runtime-version': 'v26.0.0',
};

const WRK = '/usr/bin/wrk';
const lua = (value: string) => `[==[${value}]==]`;

/** The command of one round against a port, and the name of what makes the load. `folder` may be written to. */
export function loadCommand(
  target: { port: number; paths: readonly string[]; name: string },
  options: { connections: number; seconds: number; folder: string },
): { kind: 'wrk' | 'node'; command: string[] } {
  const { connections, seconds, folder } = options;
  const pathsFile = join(folder, `${target.name}.paths`);
  writeFileSync(pathsFile, target.paths.join('\n'));
  if (!existsSync(WRK)) {
    const numbers = [target.port, connections, seconds].map(String);
    return { kind: 'node', command: [process.execPath, import.meta.filename, ...numbers, pathsFile] };
  }
  const script = join(folder, `${target.name}.lua`);
  writeFileSync(
    script,
    `local requests = {}
local at = 0
wrk.method = "POST"
wrk.body = ${lua(BODY)}
${Object.entries(HEADERS)
  .map(([name, value]) => `wrk.headers["${name}"] = ${lua(value)}`)
  .join('\n')}
function init()
  for path in io.lines(${lua(pathsFile)}) do requests[#requests + 1] = wrk.format(nil, path) end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"seconds":%f,"errors":%d,"p50":%f,"p99":%f}\\n', summary.requests,
    summary.duration / 1000000, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`,
  );
  const url = `http://127.0.0.1:${target.port}`;
  return { kind: 'wrk', command: [WRK, '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url] };
}

/** Reads the line of JSON out of what the load printed. */
export function readLoadResult(output: string): LoadResult {
  const line = output.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`the load printed no result: ${output.slice(0, 500)}`);
  return JSON.parse(line);
}

// Keeps `connections` requests in flight until the time is up.
async function runLoad(
  port: number,
  connections: number,
  seconds: number,
  paths: readonly string[],
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies: number[] = [];
  let errors = 0;
  let next = 0;
  const started = performance.now();
  const call = () =>
    new Promise<void>((resolve) => {
      const began = performance.now();
      const path = paths[next++ % paths.length];
      const headers = { ...HEADERS, 'content-length': Buffer.byteLength(BODY) };
      const outgoing = request(
        { host: '127.0.0.1', port, path, method: 'POST', headers, agent },
        (answer) => {
          answer.resume().on('end', () => {
            if (answer.statusCode !== 200) errors += 1;
            latencies.push((performance.now() - began) * 1000);
            resolve();
          });
        },
      );
      outgoing.on('error', () => {
        errors += 1;
        resolve();
      });
      outgoing.end(BODY);
    });
  const loop = async () => {
    while (performance.now() - started < seconds * 1000) await call();
  };
  await Promise.all(Array.from({ length: connections }, loop));
  const elapsed = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const percentile = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
  return {
    requests: latencies.length,
    seconds: elapsed,
    errors,
    p50: percentile(0.5),
    p99: percentile(0.99),
  };
}

if (import.meta.main) {
  const [port = 0, connections = 0, seconds = 0] = process.argv.slice(2, 5).map(Number);
  const paths = readFileSync(process.argv[5] ?? '', 'utf8').split('\n');
  console.log(JSON.stringify(await runLoad(port, connections, seconds, paths)));
}
