import { expect, test } from 'vitest';
import type { Dialect } from './call.ts';
import { errorBody, errorFrame, errorReply } from './errors.ts';

test.each<[Dialect, number, object]>([
  [
    'openai',
    401,
    { error: { message: 'm', type: 'invalid_request_error', param: null, code: 'invalid_api_key' } },
  ],
  ['openai', 429, { error: { message: 'm', type: 'requests', param: null, code: 'rate_limit_exceeded' } }],
  ['openai', 418, { error: { message: 'm', type: 'invalid_request_error', param: null, code: null } }],
  ['responses', 500, { error: { message: 'm', type: 'server_error', param: null, code: null } }],
  [
    'anthropic',
    529,
    { type: 'error', error: { type: 'overloaded_error', message: 'm' }, request_id: 'req_demo' },
  ],
  [
    'anthropic',
    418,
    { type: 'error', error: { type: 'invalid_request_error', message: 'm' }, request_id: 'req_demo' },
  ],
  ['anthropic', 500, { type: 'error', error: { type: 'api_error', message: 'm' }, request_id: 'req_demo' }],
  ['gemini', 429, { error: { code: 429, message: 'm', status: 'RESOURCE_EXHAUSTED' } }],
  ['gemini', 418, { error: { code: 418, message: 'm', status: 'UNKNOWN' } }],
  ['deepl', 456, { message: 'm' }],
  ['bedrock', 429, { message: 'm' }],
  ['cohere', 429, { id: 'demo', message: 'm' }],
  ['replicate', 401, { title: 'Unauthenticated', detail: 'm', status: 401 }],
  ['assemblyai', 400, { error: 'm' }],
  ['mcp', 403, { jsonrpc: '2.0', error: { code: -32000, message: 'm' }, id: null }],
])('%s %i', (dialect, status, body) => {
  expect(errorBody(dialect, status, 'm')).toEqual(body);
  const reply = errorReply(dialect, status, 'm');
  expect([reply.status, reply.contentType, JSON.parse(reply.body as string)]).toEqual([
    status,
    'application/json',
    body,
  ]);
});

test.each<[Dialect, string | null]>([
  ['openai', null],
  ['responses', 'error'],
  ['anthropic', 'error'],
  ['gemini', null],
])('the frame of %s is one SSE event', (dialect, name) => {
  const frame = errorFrame(dialect, 'line\nbreak');
  const lines = frame.split('\n');
  expect(frame.endsWith('\n\n')).toBe(true);
  expect(lines).toHaveLength(name ? 4 : 3);
  if (name) expect(lines[0]).toBe(`event: ${name}`);
  expect(JSON.stringify(JSON.parse((lines.at(-3) as string).slice(6)))).toContain('line\\nbreak');
});
