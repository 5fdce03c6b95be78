/** OpenAI responses, plain and streamed. See platform.openai.com/docs/api-reference/responses. Nothing is stored. */
import { type Answer, makeAnswer } from '../answer.ts';
import {
  type Call,
  echoOf,
  jsonReply,
  lastUserText,
  type Reply,
  streamReply,
  textOf,
  typedFrame,
} from '../call.ts';
import { errorFrame, errorReply } from '../errors.ts';

/** Answers `POST …/responses`. */
export function answerResponse(call: Call): Reply {
  const { json } = call;
  if (typeof json.model !== 'string')
    return errorReply('responses', 400, "Missing required parameter: 'model'.");
  const { input } = json;
  if (typeof input !== 'string' && !Array.isArray(input)) {
    return errorReply('responses', 400, "Missing required parameter: 'input'.");
  }
  const last = typeof input === 'string' ? input : lastUserText(input);
  const prompt = `${textOf(json.instructions)} ${textOf(input)}`;
  const answer = makeAnswer(prompt, last, call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const build = (status: string, output: object[]): Record<string, unknown> => ({
    id: `resp_demo${call.serial}`,
    object: 'response',
    created_at: call.now,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: json.instructions ?? null,
    max_output_tokens: json.max_output_tokens ?? null,
    metadata: json.metadata ?? {},
    model: json.model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: json.tools ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: status === 'completed' && answer.usage ? responseUsage(answer.usage) : null,
    user: null,
  });
  const itemId = `msg_demo${call.serial}`;
  if (json.stream === true) return streamReply(streamEvents(build, itemId, answer), errorFrame('responses'));
  return jsonReply(build('completed', [messageItem(itemId, 'completed', answer.text)]));
}

function* streamEvents(
  build: (status: string, output: object[]) => Record<string, unknown>,
  itemId: string,
  answer: Answer,
): Generator<string> {
  let sequence = 0;
  const event = (type: string, rest: object): string =>
    typedFrame({ type, sequence_number: sequence++, ...rest });
  const place = { item_id: itemId, output_index: 0, content_index: 0 };
  yield event('response.created', { response: build('in_progress', []) });
  yield event('response.in_progress', { response: build('in_progress', []) });
  yield event('response.output_item.added', {
    output_index: 0,
    item: messageItem(itemId, 'in_progress', null),
  });
  yield event('response.content_part.added', { ...place, part: textPart('') });
  // The closing events repeat the text; for a huge one that would defeat the streaming.
  let text = '';
  for (const piece of answer.pieces) {
    if (text.length < 1_048_576) text += piece;
    yield event('response.output_text.delta', { ...place, delta: piece, logprobs: [] });
  }
  yield event('response.output_text.done', { ...place, text, logprobs: [] });
  yield event('response.content_part.done', { ...place, part: textPart(text) });
  const item = messageItem(itemId, 'completed', text);
  yield event('response.output_item.done', { output_index: 0, item });
  yield event('response.completed', { response: build('completed', [item]) });
}

function textPart(text: string): object {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function messageItem(id: string, status: string, text: string | null): object {
  return { id, type: 'message', status, role: 'assistant', content: text === null ? [] : [textPart(text)] };
}

function responseUsage(usage: { input: number; output: number }): object {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input + usage.output,
  };
}
