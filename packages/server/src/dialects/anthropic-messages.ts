/** Anthropic's messages. */
import type { Usage } from '../usage.ts';
import type { Dialect } from './dialect.ts';
import { formatEvent, readEvents } from './event-stream.ts';
import { asCount, asObject, type JsonObject, lastObjectNamed, parseJson } from './json-text.ts';
import { sumOf, usageOf } from './usage-fields.ts';

/** The dialect. A stream tells its input in the first event (`message_start`) and its output, cumulative, in the last `message_delta`. */
export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  usageAtStart: true,
  streamErrorFrame({ row, message }) {
    return formatEvent('error', { type: 'error', error: { type: row.type, message } });
  },
  readUsage(text, streamed) {
    const usage = streamed ? mergedFromStream(text) : fromBody(text);
    return usage === null ? null : readAnthropicUsage(usage);
  },
};

// Cached parts do not overlap `input_tokens` here, unlike OpenAI's: the three add up.
function readAnthropicUsage(usage: JsonObject): Usage | null {
  const cached = asCount(usage['cache_read_input_tokens']);
  const cacheWrite = asCount(usage['cache_creation_input_tokens']);
  return usageOf({
    input: sumOf(asCount(usage['input_tokens']), cached, cacheWrite),
    output: asCount(usage['output_tokens']),
    cached,
    cacheWrite,
  });
}

function fromBody(text: string): JsonObject | null {
  const whole = parseJson(text);
  if (whole === undefined) return lastObjectNamed(text, 'usage');
  const body = asObject(whole);
  // count_tokens answers with the count alone.
  return asObject(body?.['usage']) ?? (asCount(body?.['input_tokens']) === undefined ? null : body);
}

function mergedFromStream(text: string): JsonObject | null {
  let merged: JsonObject = {};
  for (const { data } of readEvents(text)) {
    if (!data.includes('"usage"')) continue;
    const event = asObject(parseJson(data));
    const usage = asObject(event?.['usage']) ?? asObject(asObject(event?.['message'])?.['usage']);
    if (usage === null) continue;
    const said = Object.entries(usage).filter(([, value]) => value !== null);
    merged = { ...merged, ...Object.fromEntries(said) };
  }
  return Object.keys(merged).length === 0 ? null : merged;
}
