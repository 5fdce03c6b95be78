import { describe, expect, test } from 'vitest';
import { findEndpoint, guessDialect, modelOfPath } from './routes.ts';

describe('findEndpoint', () => {
  test.each([
    ['POST', '/v1/chat/completions', 'openai'],
    ['POST', '/chat/completions', 'openai'],
    ['POST', '/openai/v1/chat/completions', 'openai'],
    ['POST', '/compatible-mode/v1/chat/completions', 'openai'],
    ['POST', '/openai/deployments/demo/chat/completions', 'openai'],
    ['POST', '/v1/responses', 'responses'],
    ['POST', '/v1/embeddings', 'openai'],
    ['POST', '/v1/audio/speech', 'openai'],
    ['POST', '/v1/audio/transcriptions', 'openai'],
    ['POST', '/v1/messages', 'anthropic'],
    ['POST', '/v1/messages/count_tokens', 'anthropic'],
    ['POST', '/v1/models/demo:generateContent', 'gemini'],
    ['POST', '/v1beta/models/demo:streamGenerateContent', 'gemini'],
    ['POST', '/v1beta/models/demo:countTokens', 'gemini'],
    ['POST', '/v1beta/models/demo:batchEmbedContents', 'gemini'],
    ['POST', '/v2/translate', 'deepl'],
    ['GET', '/v2/usage', 'deepl'],
    ['POST', '/v2/chat', 'cohere'],
    ['POST', '/v1/predictions', 'replicate'],
    ['POST', '/v1/models/demo/demo-chat/predictions', 'replicate'],
    ['GET', '/v1/predictions/abc', 'replicate'],
    ['POST', '/v1/predictions/abc/cancel', 'replicate'],
    ['POST', '/v2/upload', 'assemblyai'],
    ['POST', '/v2/transcript', 'assemblyai'],
    ['GET', '/v2/transcript/abc', 'assemblyai'],
    ['POST', '/model/demo-chat/converse', 'bedrock'],
    ['POST', '/model/demo%3A0/converse-stream', 'bedrock'],
    ['POST', '/mcp', 'mcp'],
    ['GET', '/v1/mcp', 'mcp'],
    ['GET', '/v1/files', 'openai'],
    ['GET', '/v1/models', 'openai'],
    ['GET', '/v1/models/demo-chat', 'openai'],
    ['GET', '/v1/models/vendor/demo-chat', 'openai'],
    ['GET', '/v1beta/models', 'gemini'],
    ['GET', '/v1beta/models/demo-chat', 'gemini'],
  ])('%s %s is %s', (method, path, dialect) => {
    expect(findEndpoint(path, method, {})?.dialect).toBe(dialect);
  });

  test.each([
    ['GET', '/v1/chat/completions'],
    ['POST', '/v1/models'],
    ['POST', '/v1/chat/completions/'],
    ['POST', '/v1/chat'],
    ['POST', '/v1/messages/batches'],
    ['GET', '/v1/responses/resp_1'],
    ['DELETE', '/v1/files'],
    ['DELETE', '/mcp'],
    ['POST', '/v1/predictions/abc'],
    ['GET', '/v2/chat'],
    ['POST', '/v1beta/models/demo:explode'],
    ['GET', '/'],
    ['OPTIONS', '*'],
  ])('%s %s is unknown', (method, path) => expect(findEndpoint(path, method, {})).toBeNull());

  test.each([
    [{ 'anthropic-version': '2023-06-01' }, 'anthropic'],
    [{ 'x-goog-api-key': 'k' }, 'gemini'],
    [{ authorization: 'Bearer k' }, 'openai'],
  ])('a model list for %j is in the shape of %s', (headers: Record<string, string>, dialect) => {
    expect(findEndpoint('/v1/models', 'GET', headers)?.dialect).toBe(dialect);
  });
});

test.each([
  ['/v1beta/nothing', 'gemini'],
  ['/v1/models/x:explode', 'gemini'],
  ['/v1/messages/batches', 'anthropic'],
  ['/v2/nothing', 'deepl'],
  ['/v2/transcripts', 'assemblyai'],
  ['/model/x/explode', 'bedrock'],
  ['/v1/predictions/a/b', 'replicate'],
  ['/v1/nothing', 'openai'],
  ['*', 'openai'],
])('errors under %s are in the shape of %s', (path, dialect) => expect(guessDialect(path)).toBe(dialect));

test.each([
  ['/v1beta/models/demo-die-3:generateContent', 'demo-die-3'],
  ['/v1/models/a%3Ab:countTokens', 'a:b'],
  ['/v1/models/a%zz:countTokens', 'a%zz'],
  ['/v1/models/demo', ''],
  ['/model/demo-die-3/converse-stream', 'demo-die-3'],
  ['/model/a%3A0/converse', 'a:0'],
  ['/v1/models/owner/demo-chat/predictions', 'demo-chat'],
  ['/v1/chat/completions', ''],
])('%s names the model "%s"', (path, model) => expect(modelOfPath(path)).toBe(model));
