/** OpenAI's chat completions, text completions, embeddings, images and audio, and the many APIs that copy them. */
import type { Usage } from '../usage.ts';
import type { Dialect } from './dialect.ts';
import { formatEvent, readEvents } from './event-stream.ts';
import { asCount, asObject, bodyMember, type JsonObject, parseJson } from './json-text.ts';
import { usageOf } from './usage-fields.ts';

/** The dialect. A stream tells its usage in one of the last chunks, if at all (`stream_options.include_usage`, or `x_groq`). */
export const openaiChat: Dialect = {
  name: 'openai-chat',
  streamErrorFrame({ code, row, message, param }) {
    return formatEvent(null, { error: { message, type: row.type, code, param } });
  },
  readUsage(text, streamed) {
    const usage = streamed ? lastInStream(text) : bodyMember(text, 'usage');
    return usage === null ? null : readOpenAiUsage(usage);
  },
};

/** Reads OpenAI's `usage` object, in the words of chat (`prompt_tokens`) or of responses (`input_tokens`). */
export function readOpenAiUsage(usage: JsonObject): Usage | null {
  const inputDetails = asObject(usage['prompt_tokens_details'] ?? usage['input_tokens_details']);
  const outputDetails = asObject(usage['completion_tokens_details'] ?? usage['output_tokens_details']);
  return usageOf({
    input: asCount(usage['prompt_tokens'] ?? usage['input_tokens']),
    output: asCount(usage['completion_tokens'] ?? usage['output_tokens']),
    cached: asCount(
      inputDetails?.['cached_tokens'] ?? usage['prompt_cache_hit_tokens'] ?? usage['cached_tokens'],
    ),
    cacheWrite: asCount(inputDetails?.['cache_write_tokens']),
    reasoning: asCount(outputDetails?.['reasoning_tokens']),
  });
}

function lastInStream(text: string): JsonObject | null {
  let found: JsonObject | null = null;
  for (const { data } of readEvents(text)) {
    if (!data.includes('"usage"')) continue;
    const chunk = asObject(parseJson(data));
    // Groq's own place counts only where the standard one is empty.
    found = asObject(chunk?.['usage']) ?? asObject(asObject(chunk?.['x_groq'])?.['usage']) ?? found;
  }
  return found;
}
