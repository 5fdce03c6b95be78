/** Embeddings as OpenAI and Gemini answer them. The vectors are made of hashes: equal texts, equal vectors. */
import { createHash } from 'node:crypto';
import { countTokens } from '../answer.ts';
import { type Call, jsonReply, member, type Reply, textOf } from '../call.ts';
import { errorReply } from '../errors.ts';

const DEFAULT_DIMENSIONS = 64;

/** Answers `POST …/embeddings`; the official SDK asks for base64 unless told otherwise. */
export function answerEmbeddings(call: Call): Reply {
  const { input, model, dimensions, encoding_format: encoding } = call.json;
  if (typeof model !== 'string') return errorReply('openai', 400, 'you must provide a model parameter');
  const texts = readInputs(input);
  if (texts === null) return errorReply('openai', 400, "'input' is not a string or a list.");
  const data = texts.map((text, index) => {
    const vector = makeVector(text, readDimensions(dimensions));
    const embedding = encoding === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const tokens =
    call.knobs.usage?.input ?? texts.reduce((sum, text) => sum + Math.max(1, countTokens(text)), 0);
  const usage = call.knobs.noUsage ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } };
  return jsonReply({ object: 'list', data, model, ...usage });
}

/** Answers Gemini's `:embedContent` and `:batchEmbedContents`. */
export function answerGeminiEmbedding(call: Call): Reply {
  const { requests } = call.json;
  const embed = (request: unknown): { values: number[] } => ({
    values: [
      ...makeVector(
        textOf(member(request, 'content')),
        readDimensions(member(request, 'outputDimensionality')),
      ),
    ],
  });
  if (Array.isArray(requests)) return jsonReply({ embeddings: requests.map(embed) });
  if (call.json.content === undefined) return errorReply('gemini', 400, 'content is not set');
  return jsonReply({ embedding: embed(call.json) });
}

function readInputs(input: unknown): string[] | null {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input) || input.length === 0) return null;
  if (input.every((entry) => typeof entry === 'number')) return [input.join(' ')];
  return input.map((entry) => (Array.isArray(entry) ? entry.join(' ') : String(entry)));
}

function readDimensions(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 4_096
    ? value
    : DEFAULT_DIMENSIONS;
}

function makeVector(text: string, dimensions: number): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(dimensions);
  for (let i = 0; i < dimensions; i += 8) {
    const digest = createHash('sha256').update(`${i} ${text}`).digest();
    for (let j = 0; j < 8 && i + j < dimensions; j++) vector[i + j] = digest.readInt32LE(j * 4) / 2 ** 31;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
