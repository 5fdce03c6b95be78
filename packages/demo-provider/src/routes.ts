/** From a path to the endpoint that answers it. Paths match by their end, so that any provider's root fits before. */
import { type Call, type Dialect, jsonReply, type Reply } from './call.ts';
import { answerMessages, countMessageTokens } from './dialects/anthropic-messages.ts';
import { createTranscript, readTranscript, uploadAudio } from './dialects/assemblyai.ts';
import { answerSpeech, answerTranscription } from './dialects/audio.ts';
import { answerConverse } from './dialects/bedrock.ts';
import { answerCohereChat } from './dialects/cohere.ts';
import { answerTranslate, reportDeeplUsage } from './dialects/deepl.ts';
import { answerEmbeddings, answerGeminiEmbedding } from './dialects/embeddings.ts';
import { answerGenerate, countGeminiTokens } from './dialects/gemini.ts';
import { answerMcp, refuseMcpListening } from './dialects/mcp.ts';
import { listAnthropicModels, listGeminiModels, listOpenaiModels } from './dialects/models.ts';
import { answerChat } from './dialects/openai-chat.ts';
import { answerResponse } from './dialects/openai-responses.ts';
import { cancelPrediction, createPrediction, readPrediction } from './dialects/replicate.ts';

/** One endpoint. */
export interface Endpoint {
  readonly dialect: Dialect;
  readonly method: 'GET' | 'POST';
  /** `json`: a JSON object is needed. `raw`: the endpoint reads the bytes itself. */
  readonly body: 'json' | 'raw' | 'none';
  readonly answer: (call: Call) => Reply;
}

const post = (dialect: Dialect, answer: Endpoint['answer'], body: Endpoint['body'] = 'json'): Endpoint => ({
  dialect,
  method: 'POST',
  body,
  answer,
});
const get = (dialect: Dialect, answer: Endpoint['answer']): Endpoint => ({
  dialect,
  method: 'GET',
  body: 'none',
  answer,
});

const BY_SUFFIX: readonly (readonly [suffix: string, endpoint: Endpoint])[] = [
  ['/chat/completions', post('openai', answerChat)],
  ['/responses', post('responses', answerResponse)],
  ['/embeddings', post('openai', answerEmbeddings)],
  ['/messages', post('anthropic', answerMessages)],
  ['/messages/count_tokens', post('anthropic', countMessageTokens)],
  ['/audio/speech', post('openai', answerSpeech)],
  ['/audio/transcriptions', post('openai', answerTranscription, 'raw')],
  ['/audio/translations', post('openai', answerTranscription, 'raw')],
  ['/v2/translate', post('deepl', answerTranslate, 'raw')],
  ['/v2/usage', get('deepl', reportDeeplUsage)],
  ['/v2/chat', post('cohere', answerCohereChat)],
  ['/v2/upload', post('assemblyai', uploadAudio, 'raw')],
  ['/v2/transcript', post('assemblyai', createTranscript)],
  ['/predictions', post('replicate', createPrediction)],
  ['/cancel', post('replicate', cancelPrediction, 'raw')],
  ['/converse', post('bedrock', answerConverse)],
  ['/converse-stream', post('bedrock', answerConverse)],
  // An account-wide endpoint, so that a test can show that a relay keeps it closed.
  ['/files', get('openai', () => jsonReply({ object: 'list', data: [], has_more: false }))],
  [':generateContent', post('gemini', answerGenerate)],
  [':streamGenerateContent', post('gemini', answerGenerate)],
  [':countTokens', post('gemini', countGeminiTokens)],
  [':embedContent', post('gemini', answerGeminiEmbedding)],
  [':batchEmbedContents', post('gemini', answerGeminiEmbedding)],
];

/** Endpoints with a name at their end. */
const BY_PATTERN: readonly (readonly [pattern: RegExp, endpoint: Endpoint])[] = [
  [/\/predictions\/[^/]+$/, get('replicate', readPrediction)],
  [/\/v2\/transcript\/[^/]+$/, get('assemblyai', readTranscript)],
];

const MCP = { POST: post('mcp', answerMcp), GET: get('mcp', refuseMcpListening) };

const MODELS: Record<'openai' | 'anthropic' | 'gemini', Endpoint> = {
  openai: get('openai', listOpenaiModels),
  anthropic: get('anthropic', listAnthropicModels),
  gemini: get('gemini', listGeminiModels),
};

/** The endpoint of a path (no query) and method, or null. Headers tell whose model list is meant. */
export function findEndpoint(
  path: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): Endpoint | null {
  for (const [suffix, endpoint] of BY_SUFFIX) {
    if (path.endsWith(suffix)) return endpoint.method === method ? endpoint : null;
  }
  if (path.endsWith('/mcp')) return method === 'POST' || method === 'GET' ? MCP[method] : null;
  for (const [pattern, endpoint] of BY_PATTERN) {
    if (pattern.test(path)) return endpoint.method === method ? endpoint : null;
  }
  if (method !== 'GET' || !/\/models(?:\/[^:]+)?$/.test(path)) return null;
  if (path.includes('/v1beta/') || headers['x-goog-api-key'] !== undefined) return MODELS.gemini;
  return headers['anthropic-version'] !== undefined ? MODELS.anthropic : MODELS.openai;
}

/** The dialect whose error shape fits a path that has no endpoint. */
export function guessDialect(path: string): Dialect {
  if (path.includes('/v1beta') || /\/models\/[^/]+:\w+$/.test(path)) return 'gemini';
  if (path.includes('/messages')) return 'anthropic';
  if (path.startsWith('/v2/transcript')) return 'assemblyai';
  if (path.startsWith('/v2/')) return 'deepl';
  if (path.startsWith('/model/')) return 'bedrock';
  if (path.includes('/predictions')) return 'replicate';
  if (path.endsWith('/mcp')) return 'mcp';
  return 'openai';
}

/** Gemini's paths name a model, Bedrock's and Replicate's too; Replicate's behind its owner. */
const MODEL_IN_PATH =
  /\/models\/([^/]+):\w+$|\/model\/([^/]+)\/[\w-]+$|\/models\/[^/]+\/([^/]+)\/predictions$/;

/** The model that a path names, decoded; empty where the path names none. */
export function modelOfPath(path: string): string {
  const found = path.includes('/model')
    ? MODEL_IN_PATH.exec(path)
        ?.slice(1)
        .find((name) => name)
    : undefined;
  if (found === undefined) return '';
  try {
    return decodeURIComponent(found);
  } catch {
    return found;
  }
}
