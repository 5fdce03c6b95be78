/** Google's Gemini. */
import type { Usage } from '../usage.ts';
import type { Dialect } from './dialect.ts';
import { readEvents } from './event-stream.ts';
import { asCount, asObject, type JsonObject, lastObjectNamed, parseJson } from './json-text.ts';
import { sumOf, usageOf } from './usage-fields.ts';

/** The dialect. Each chunk of a stream may hold cumulative usage, the last one counts; without `alt=sse` a stream is one JSON array. */
export const gemini: Dialect = {
  name: 'gemini',
  // Its SDK takes an error frame for one more chunk: only a broken connection is understood (behaviour §6).
  streamErrorFrame: () => null,
  readUsage(text, streamed) {
    const usage = streamed ? lastInStream(text) : fromBody(text);
    return usage === null ? null : readGeminiUsage(usage);
  },
};

function readGeminiUsage(usage: JsonObject): Usage | null {
  const reasoning = asCount(usage['thoughtsTokenCount']);
  return usageOf({
    input: sumOf(asCount(usage['promptTokenCount']), asCount(usage['toolUsePromptTokenCount'])),
    output: sumOf(asCount(usage['candidatesTokenCount']), reasoning),
    cached: asCount(usage['cachedContentTokenCount']),
    reasoning,
  });
}

function fromBody(text: string): JsonObject | null {
  const whole = parseJson(text);
  if (whole === undefined) return lastObjectNamed(text, 'usageMetadata');
  const parts: readonly unknown[] = Array.isArray(whole) ? whole : [whole];
  let found: JsonObject | null = null;
  for (const part of parts) found = asObject(asObject(part)?.['usageMetadata']) ?? found;
  return found;
}

function lastInStream(text: string): JsonObject | null {
  let found: JsonObject | null = null;
  for (const { data } of readEvents(text)) {
    if (!data.includes('"usageMetadata"')) continue;
    found = asObject(asObject(parseJson(data))?.['usageMetadata']) ?? found;
  }
  return found ?? lastObjectNamed(text, 'usageMetadata');
}
