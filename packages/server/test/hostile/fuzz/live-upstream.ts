/**
 * The upstream behind a relay under fuzzing: a plain HTTP server that judges every request by what the tokens allow, and keeps what
 * should never have come. It answers fast and says nothing of what it read.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openai } from '../../../src/providers/entries/openai.ts';
import type { Endpoint } from '../../../src/providers/provider.ts';

/** What a token allows, told apart by the upstream key that it carries. */
export interface Allowed {
  readonly key: string;
  /** Exact models that may arrive in JSON bodies and forms; absent: any. */
  readonly models?: readonly string[];
  /** Highest `max_tokens`. */
  readonly maxTokens?: number;
}

/** A running upstream. */
export interface LiveUpstream {
  readonly port: number;
  /** How many requests came. */
  readonly served: number;
  /** What came and should not have, described; the first few. */
  readonly faults: string[];
  close(): Promise<void>;
}

const HEADERS = new Set([
  ...[
    'accept',
    'accept-encoding',
    'authorization',
    'cdn-loop',
    'connection',
    'content-length',
    'content-type',
  ],
  ...['host', 'idempotency-key', 'openai-beta', 'transfer-encoding', 'user-agent'],
]);
const ANSWER =
  '{"id":"a","object":"chat.completion","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}';

function endpointOf(method: string, path: string): Endpoint | undefined {
  const segments = path.split('/');
  return openai.endpoints.find((row) => {
    if (row.method !== method && !(method === 'HEAD' && row.method === 'GET')) return false;
    if (row.kind === 'account') return false;
    const pattern = `/v1${row.path}`.split('/');
    return (
      pattern.length === segments.length &&
      pattern.every((part, i) => part === segments[i] || (part.startsWith('{') && segments[i] !== ''))
    );
  });
}

function findHeadFault(
  method: string,
  target: string,
  raw: readonly string[],
  allowed: Allowed | undefined,
): string | null {
  const [path = '', query] = target.split('?', 2);
  if (endpointOf(method, path) === undefined) return 'no endpoint that is open';
  if (!/^\/v1\/[A-Za-z0-9._~/%:-]+$/.test(path) || path.includes('//')) return 'path';
  if (path.split('/').some((segment) => /^\.{1,2}$/.test(decodeURIComponent(segment)))) return 'dot segment';
  if (query !== undefined && /(?:^|&)(?:key|api_key|token|access_token)=/i.test(query)) return 'query';
  const names = raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  const odd = names.find((name) => !HEADERS.has(name));
  if (odd !== undefined) return `header ${odd}`;
  if (names.some((name, i) => names.indexOf(name) !== i)) return 'a header twice';
  if (allowed === undefined) return 'credential';
  return null;
}

function findBodyFault(
  row: Endpoint | undefined,
  type: string,
  body: string,
  { models, maxTokens }: Allowed,
): string | null {
  // what names no model is passed unread
  if (models === undefined || row?.models?.length === 0) return null;
  if (/^multipart\//i.test(type)) {
    const named = [...body.matchAll(/name="model"\r\n\r\n([^\r]*)\r\n/g)].map(([, model]) => model ?? '');
    return named.length === 1 && models.includes(named[0] as string) ? null : 'model in a form';
  }
  if (body === '') return null;
  // the platform's parser keeps the last of two members: whatever it reads must have been checked
  const parsed = JSON.parse(body) as { model?: unknown; max_tokens?: unknown };
  if (!models.includes(parsed.model as string)) return 'model';
  if (maxTokens !== undefined && !(typeof parsed.max_tokens !== 'number' || parsed.max_tokens <= maxTokens))
    return 'cap';
  return null;
}

/** Starts an upstream that knows these keys. */
export async function startLiveUpstream(tokens: readonly Allowed[]): Promise<LiveUpstream> {
  const byCredential = new Map(tokens.map((token) => [`Bearer ${token.key}`, token]));
  const faults: string[] = [];
  let served = 0;
  const server = createServer({ keepAliveTimeout: 1000, requestTimeout: 0 }, (request, response) => {
    served += 1;
    const { method = '', url = '', rawHeaders } = request;
    const allowed = byCredential.get(request.headers.authorization ?? '');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      let fault: string | null;
      try {
        const body = Buffer.concat(chunks).toString('latin1');
        fault =
          findHeadFault(method, url, rawHeaders, allowed) ??
          findBodyFault(
            endpointOf(method, url.split('?', 1)[0] as string),
            request.headers['content-type'] ?? '',
            body,
            allowed as Allowed,
          );
      } catch (error) {
        fault = String(error);
      }
      if (fault !== null && faults.length < 20)
        faults.push(
          `upstream, ${fault}: ${method} ${url} ${JSON.stringify(rawHeaders)} ${Buffer.concat(chunks).toString('latin1').slice(0, 500)}`,
        );
      response.writeHead(200, ['content-type', 'application/json', 'content-length', String(ANSWER.length)]);
      response.end(ANSWER);
    });
    // a caller that goes away half-way is part of the game
    request.on('error', () => {});
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // a request that the relay breaks off because its caller left is no fault
    if (error.code !== 'ECONNRESET' && error.code !== 'HPE_INVALID_EOF_STATE' && faults.length < 20)
      faults.push(`upstream, not HTTP: ${error.code}`);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get served() {
      return served;
    },
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
