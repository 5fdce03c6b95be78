// What the load sends: a chat request of 1 KB with the headers of an SDK, as raw bytes and as a script for wrk. Pure.

/** Headers of an official SDK, and the origin of a page. */
export const SDK_HEADERS: Readonly<Record<string, string>> = {
  accept: 'application/json',
  'content-type': 'application/json',
  origin: 'https://app.example',
  'user-agent': 'OpenAI/JS 7.55.0',
  'x-stainless-arch': 'x64',
  'x-stainless-lang': 'js',
  'x-stainless-os': 'Linux',
  'x-stainless-package-version': '7.55.0',
  'x-stainless-retry-count': '0',
  'x-stainless-runtime': 'node',
  'x-stainless-runtime-version': 'v26.0.0',
};

/** What a load is sent at: a port, and the request targets that it cycles through. */
export interface Target {
  readonly port: number;
  readonly paths: readonly string[];
  /** Beyond SDK_HEADERS. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A chat request of `bytes` bytes; `model` tells the upstream what to answer (native/upstream.c). */
export function chatBody(options: { model?: string; bytes?: number; stream?: boolean } = {}): string {
  const { model = 'gpt-4o-mini', bytes = 1024, stream = false } = options;
  const around = JSON.stringify({
    model,
    ...(stream && { stream }),
    messages: [{ role: 'user', content: '' }],
    temperature: 0.7,
  });
  const text = 'Tell me about bearer tokens. '.repeat(Math.ceil(bytes / 29));
  return around.replace('""', JSON.stringify(text.slice(0, Math.max(bytes - around.length, 0))));
}

/** One raw HTTP/1.1 request. */
export function rawRequest(target: Target, path: string, body: string): string {
  const headers = { host: `127.0.0.1:${target.port}`, ...SDK_HEADERS, ...target.headers };
  const lines = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)) });
  return `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** Raw requests as native/load.c reads them. */
export function requestFile(requests: readonly string[]): string {
  return requests.map((request) => `${Buffer.byteLength(request)}\n${request}`).join('');
}

const lua = (value: string) => `[==[${value}]==]`;

/** A script for wrk that cycles through the lines of `pathsFile` and prints one line of JSON at the end. */
export function wrkScript(target: Target, body: string, pathsFile: string): string {
  const headers = Object.entries({ ...SDK_HEADERS, ...target.headers });
  return `local requests = {}
local at = 0
wrk.method = "POST"
wrk.body = ${lua(body)}
${headers.map(([name, value]) => `wrk.headers["${name}"] = ${lua(value)}`).join('\n')}
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
`;
}

/** What wrk's script and native/load.c print in the end; microseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
}

/** The last line of JSON in what a load printed. Throws when there is none. */
export function lastJson<T>(output: string): T {
  const line = output
    .trim()
    .split('\n')
    .findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`the load printed no result: ${output.slice(0, 500)}`);
  return JSON.parse(line);
}
