/** OpenAI's responses. */
import type { Dialect } from './dialect.ts';
import { formatEvent, readEvents } from './event-stream.ts';
import { asObject, bodyMember, type JsonObject, lastObjectNamed, parseJson } from './json-text.ts';
import { readOpenAiUsage } from './openai-chat.ts';

/** The dialect. The last event (`response.completed`, `.incomplete`, `.failed`) repeats the whole response, usage included. */
export const openaiResponses: Dialect = {
  name: 'openai-responses',
  streamErrorFrame({ code, message, param }) {
    return formatEvent('error', { type: 'error', code, message, param, sequence_number: 0 });
  },
  readUsage(text, streamed) {
    const usage = streamed ? lastInStream(text) : bodyMember(text, 'usage');
    return usage === null ? null : readOpenAiUsage(usage);
  },
};

function lastInStream(text: string): JsonObject | null {
  let found: JsonObject | null = null;
  for (const { data } of readEvents(text)) {
    if (!data.includes('"usage"')) continue;
    found = asObject(asObject(asObject(parseJson(data))?.['response'])?.['usage']) ?? found;
  }
  // A long answer makes the last event longer than the tail that was kept: its end alone is here.
  return found ?? lastObjectNamed(text, 'usage');
}
