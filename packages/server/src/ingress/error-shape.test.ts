/** The error shape by how the path ends. */
import { expect, test } from 'vitest';
import { shapeFor } from './error-shape.ts';

test.each([
  ['/v1/chat/completions', 'openai'],
  ['/chat/completions', 'openai'],
  ['/openai/v1/chat/completions', 'openai'],
  ['/v1/responses', 'openai'],
  ['/v1/embeddings', 'openai'],
  ['/v1/audio/transcriptions', 'openai'],
  ['/v1/images/generations', 'openai'],
  ['/v1/v1/chat/completions', 'openai'],
  ['/v1/messages', 'anthropic'],
  ['/v1/v1/messages', 'anthropic'],
  ['/anthropic/v1/messages', 'anthropic'],
  ['/v1/messages/count_tokens', 'anthropic'],
  ['/v1beta/models/gemini-2.5-flash:generateContent', 'google'],
  ['/v1/models/gemini-2.5-flash:streamGenerateContent', 'google'],
  ['/models/m:countTokens', 'google'],
  ['/v1beta/models', 'google'],
  ['/mcp', 'jsonrpc'],
  ['/v1/mcp', 'jsonrpc'],
  ['/sse', 'jsonrpc'],
  ['/v2/translate', 'union'],
  ['/v2/chat', 'union'],
  ['/v1/models', 'union'],
  ['/model/anthropic.claude-3%3A0/converse', 'union'],
  ['/mcpx', 'union'],
  ['/xmessages', 'union'],
  ['/v1/messages/other', 'union'],
  ['/x/v1beta/models', 'union'],
  ['/v1/models/m:verb/more', 'union'],
  ['/v1/chat/completions/more', 'union'],
  ['', 'union'],
])('%s is answered as %s', (rest, shape) => {
  expect(shapeFor(rest)).toBe(shape);
});
