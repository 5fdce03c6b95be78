/** OpenAI chat completions, plain and streamed. See platform.openai.com/docs/api-reference/chat. */
import { type Answer, makeAnswer } from '../answer.ts';
import {
  type Call,
  dataFrame,
  echoOf,
  jsonReply,
  lastUserText,
  member,
  type Reply,
  streamReply,
  textOf,
} from '../call.ts';
import { errorFrame, errorReply } from '../errors.ts';

/** Answers `POST …/chat/completions`. */
export function answerChat(call: Call): Reply {
  const { json } = call;
  if (typeof json.model !== 'string') return errorReply('openai', 400, 'you must provide a model parameter');
  if (!Array.isArray(json.messages) || json.messages.length === 0) {
    return errorReply('openai', 400, "Missing required parameter: 'messages'.");
  }
  const last = lastUserText(json.messages);
  const answer = makeAnswer(textOf(json.messages), last, call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const head = { id: `chatcmpl-demo${call.serial}`, created: call.now, model: json.model };
  const tool = call.knobs.tool ? firstTool(json.tools) : undefined;
  if (json.stream === true) {
    const withUsage = member(json.stream_options, 'include_usage') === true;
    return streamReply(streamChat(head, answer, tool, last, withUsage), errorFrame('openai'));
  }
  const message = tool
    ? { role: 'assistant', content: null, refusal: null, tool_calls: [toolCall(tool, last, call.serial)] }
    : { role: 'assistant', content: answer.text, refusal: null };
  return jsonReply({
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: tool ? 'tool_calls' : 'stop' }],
    ...(answer.usage && { usage: chatUsage(answer.usage) }),
    service_tier: 'default',
    system_fingerprint: 'fp_demo',
  });
}

function* streamChat(
  head: { id: string; created: number; model: string },
  answer: Answer,
  tool: string | undefined,
  last: string,
  withUsage: boolean,
): Generator<string> {
  const chunk = (delta: object, finish: string | null = null): string =>
    dataFrame({
      ...head,
      object: 'chat.completion.chunk',
      system_fingerprint: 'fp_demo',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(withUsage && { usage: null }),
    });
  if (tool === undefined) {
    yield chunk({ role: 'assistant', content: '', refusal: null });
    for (const piece of answer.pieces) yield chunk({ content: piece });
    yield chunk({}, 'stop');
  } else {
    yield chunk({ role: 'assistant', content: null });
    yield chunk({ tool_calls: [{ index: 0, ...toolCall(tool, last, 0) }] });
    yield chunk({}, 'tool_calls');
  }
  if (withUsage && answer.usage) {
    yield dataFrame({
      ...head,
      object: 'chat.completion.chunk',
      choices: [],
      usage: chatUsage(answer.usage),
    });
  }
  yield 'data: [DONE]\n\n';
}

function firstTool(tools: unknown): string | undefined {
  const first = Array.isArray(tools) ? tools[0] : undefined;
  const name = member(member(first, 'function'), 'name');
  return typeof name === 'string' ? name : undefined;
}

function toolCall(name: string, input: string, serial: number): object {
  return {
    id: `call_demo${serial}`,
    type: 'function',
    function: { name, arguments: JSON.stringify({ input }) },
  };
}

function chatUsage(usage: { input: number; output: number }): object {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}
