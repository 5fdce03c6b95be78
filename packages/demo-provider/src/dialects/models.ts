/** Model lists and single models, in the shape of whoever asks. */
import { type Call, jsonReply, type Reply } from '../call.ts';
import { errorReply } from '../errors.ts';

const MODELS = [
  'demo-chat',
  'demo-small',
  'demo-large',
  'demo-embedding',
  'demo-voice',
  'gpt-4o-mini',
  'claude-demo',
  'gemini-demo',
];

/** The model named at the end of the path, null for the list. */
function namedModel(path: string): string | null {
  const found = /\/models\/(.+)$/.exec(path);
  return found ? decodeURIComponent(found[1] as string) : null;
}

function isKnown(model: string): boolean {
  return MODELS.includes(model) || model.startsWith('demo-');
}

/** Answers OpenAI's `GET …/models` and `GET …/models/{id}`. */
export function listOpenaiModels(call: Call): Reply {
  const describe = (id: string): object => ({
    id,
    object: 'model',
    created: 1_700_000_000,
    owned_by: 'demo',
  });
  const model = namedModel(call.path);
  if (model === null) return jsonReply({ object: 'list', data: MODELS.map(describe) });
  return isKnown(model)
    ? jsonReply(describe(model))
    : errorReply('openai', 404, `The model '${model}' does not exist`);
}

/** Answers Anthropic's `GET /v1/models` and `GET /v1/models/{id}`. */
export function listAnthropicModels(call: Call): Reply {
  const describe = (id: string): object => ({
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
  });
  const model = namedModel(call.path);
  if (model !== null)
    return isKnown(model) ? jsonReply(describe(model)) : errorReply('anthropic', 404, `model: ${model}`);
  return jsonReply({
    data: MODELS.map(describe),
    has_more: false,
    first_id: MODELS[0],
    last_id: MODELS.at(-1),
  });
}

/** Answers Gemini's `GET …/models` and `GET …/models/{id}`. */
export function listGeminiModels(call: Call): Reply {
  const describe = (id: string): object => ({
    name: `models/${id}`,
    version: '001',
    displayName: id,
    description: 'A made-up model.',
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ['generateContent', 'countTokens', 'embedContent'],
  });
  const model = namedModel(call.path);
  if (model === null) return jsonReply({ models: MODELS.map(describe) });
  return isKnown(model)
    ? jsonReply(describe(model))
    : errorReply('gemini', 404, `models/${model} is not found`);
}
