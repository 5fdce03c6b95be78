/** Anthropic messages, plain and streamed, and token counting. See platform.claude.com/docs/en/api/messages. */
import { type Answer, countTokens, makeAnswer } from '../answer.ts';
import {
  type Call,
  echoOf,
  jsonReply,
  lastUserText,
  member,
  type Reply,
  streamReply,
  textOf,
  typedFrame,
} from '../call.ts';
import { errorFrame, errorReply } from '../errors.ts';

// From this version on the service refuses sampling parameters, even at their defaults.
const VERSION_WITHOUT_SAMPLING = '2026-10-21';

/** Answers `POST /v1/messages`. */
export function answerMessages(call: Call): Reply {
  const problem = findProblem(call);
  if (problem !== null) return errorReply('anthropic', 400, problem);
  const { json } = call;
  const messages = json.messages as unknown[];
  const last = lastUserText(messages);
  const answer = makeAnswer(promptOf(json), last, call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const tool = call.knobs.tool ? firstTool(json.tools) : undefined;
  const blocks: object[] = tool
    ? [{ type: 'tool_use', id: `toolu_demo${call.serial}`, name: tool, input: { input: last } }]
    : [{ type: 'text', text: answer.text }];
  const head = { id: `msg_demo${call.serial}`, type: 'message', role: 'assistant', model: json.model };
  const stopReason = tool ? 'tool_use' : 'end_turn';
  if (json.stream === true) {
    return streamReply(streamMessage(head, answer, tool ? blocks : [], stopReason), errorFrame('anthropic'));
  }
  const usage = answer.usage ? { usage: messageUsage(answer.usage.input, answer.usage.output) } : {};
  return jsonReply({ ...head, content: blocks, stop_reason: stopReason, stop_sequence: null, ...usage });
}

/** Answers `POST /v1/messages/count_tokens`. */
export function countMessageTokens(call: Call): Reply {
  if (!Array.isArray(call.json.messages)) return errorReply('anthropic', 400, 'messages: Field required');
  return jsonReply({ input_tokens: Math.max(1, countTokens(promptOf(call.json))) });
}

function findProblem({ json, request }: Call): string | null {
  if (typeof json.model !== 'string') return 'model: Field required';
  if (typeof json.max_tokens !== 'number') return 'max_tokens: Field required';
  if (!Array.isArray(json.messages) || json.messages.length === 0)
    return 'messages: at least one message is required';
  if ((request.headers['anthropic-version'] ?? '') >= VERSION_WITHOUT_SAMPLING) {
    for (const name of ['temperature', 'top_p', 'top_k']) {
      if (json[name] !== undefined) return `${name}: Extra inputs are not permitted`;
    }
  }
  return null;
}

function promptOf(json: Record<string, unknown>): string {
  return `${textOf(json.system)} ${textOf(json.messages)}`;
}

function firstTool(tools: unknown): string | undefined {
  const name = member(Array.isArray(tools) ? tools[0] : undefined, 'name');
  return typeof name === 'string' ? name : undefined;
}

function* streamMessage(
  head: object,
  answer: Answer,
  toolBlocks: object[],
  stopReason: string,
): Generator<string> {
  const { usage } = answer;
  yield typedFrame({
    type: 'message_start',
    message: {
      ...head,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      ...(usage && { usage: messageUsage(usage.input, 1) }),
    },
  });
  const [tool] = toolBlocks as { input: object }[];
  const block = tool ? { ...tool, input: {} } : { type: 'text', text: '' };
  yield typedFrame({ type: 'content_block_start', index: 0, content_block: block });
  yield typedFrame({ type: 'ping' });
  if (tool) {
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(tool.input) };
    yield typedFrame({ type: 'content_block_delta', index: 0, delta });
  } else {
    for (const text of answer.pieces) {
      yield typedFrame({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
    }
  }
  yield typedFrame({ type: 'content_block_stop', index: 0 });
  yield typedFrame({
    type: 'message_delta',
    delta: { stop_reason: stopReason, stop_sequence: null },
    ...(usage && { usage: { output_tokens: usage.output } }),
  });
  yield typedFrame({ type: 'message_stop' });
}

function messageUsage(input: number, output: number): object {
  return {
    input_tokens: input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: output,
    service_tier: 'standard',
  };
}
