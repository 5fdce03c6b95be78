/** Cohere chat, second version, plain and streamed. See docs.cohere.com/reference/chat. */
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

/** Answers `POST /v2/chat`. */
export function answerCohereChat(call: Call): Reply {
  const { json } = call;
  if (typeof json.model !== 'string') return errorReply('cohere', 400, 'model is required');
  if (!Array.isArray(json.messages) || json.messages.length === 0) {
    return errorReply('cohere', 400, 'messages must be at least 1 token long');
  }
  const answer = makeAnswer(textOf(json.messages), lastUserText(json.messages), call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const id = `demo-${call.serial}`;
  if (json.stream === true) return streamReply(streamChat(id, answer), errorFrame('cohere'));
  return jsonReply({
    id,
    message: { role: 'assistant', content: [{ type: 'text', text: answer.text }] },
    finish_reason: 'COMPLETE',
    ...(answer.usage && { usage: usageOf(answer.usage) }),
  });
}

function* streamChat(id: string, answer: Answer): Generator<string> {
  const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
  yield typedFrame({ type: 'message-start', id, delta: { message } });
  const start = { message: { content: { type: 'text', text: '' } } };
  yield typedFrame({ type: 'content-start', index: 0, delta: start });
  for (const text of answer.pieces) {
    yield typedFrame({ type: 'content-delta', index: 0, delta: { message: { content: { text } } } });
  }
  yield typedFrame({ type: 'content-end', index: 0 });
  const usage = answer.usage ? { usage: usageOf(answer.usage) } : {};
  yield typedFrame({ type: 'message-end', delta: { finish_reason: 'COMPLETE', ...usage } });
  yield 'data: [DONE]\n\n';
}

function usageOf({ input, output }: { input: number; output: number }): object {
  const counts = { input_tokens: input, output_tokens: output };
  return { billed_units: counts, tokens: counts };
}
