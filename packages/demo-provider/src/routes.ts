/** From a path to the endpoint that answers it. Paths match by their end, so that any provider's root fits before. */
import type { Call, Dialect, Reply } from './call.ts';
import { answerChat } from './dialects/openai-chat.ts';

/** One endpoint. */
export interface Endpoint {
  readonly dialect: Dialect;
  readonly method: 'GET' | 'POST';
  readonly body: 'json' | 'raw' | 'none';
  readonly answer: (call: Call) => Reply;
}

const BY_SUFFIX: readonly [suffix: string, endpoint: Endpoint][] = [
  ['/chat/completions', { dialect: 'openai', method: 'POST', body: 'json', answer: answerChat }],
];

/** The endpoint of a path (no query), or null. */
export function findEndpoint(
  path: string,
  method: string,
  _headers: Readonly<Record<string, string>>,
): Endpoint | null {
  for (const [suffix, endpoint] of BY_SUFFIX) {
    if (path.endsWith(suffix)) return endpoint.method === method ? endpoint : null;
  }
  return null;
}

/** The dialect whose error shape fits a path that has no endpoint. */
export function guessDialect(path: string): Dialect {
  if (path.includes('/v1beta') || /\/models\/[^/]+:\w+$/.test(path)) return 'gemini';
  if (path.includes('/messages')) return 'anthropic';
  if (path.startsWith('/v2/')) return 'deepl';
  return 'openai';
}

/** The model that a Gemini path names, decoded; empty where the path names none. */
export function modelOfPath(path: string): string {
  const found = /\/models\/([^/]+):\w+$/.exec(path);
  if (found === null) return '';
  try {
    return decodeURIComponent(found[1] as string);
  } catch {
    return found[1] as string;
  }
}
