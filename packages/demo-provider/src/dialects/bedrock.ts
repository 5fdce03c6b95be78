/** Amazon Bedrock's Converse, plain and as an event stream. See docs.aws.amazon.com/bedrock/latest/APIReference. */
import { crc32 } from 'node:zlib';
import { type Answer, makeAnswer } from '../answer.ts';
import { type Call, echoOf, jsonReply, lastUserText, type Reply, textOf } from '../call.ts';
import { errorReply } from '../errors.ts';

/** Answers `POST /model/{model}/converse` and `/converse-stream`. */
export function answerConverse(call: Call): Reply {
  const { json } = call;
  if (!Array.isArray(json.messages) || json.messages.length === 0) {
    return errorReply('bedrock', 400, 'A conversation must start with a user message.');
  }
  const prompt = `${textOf(json.system)} ${textOf(json.messages)}`;
  const answer = makeAnswer(prompt, lastUserText(json.messages), call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  if (call.path.endsWith('-stream')) {
    return {
      status: 200,
      headers: {},
      contentType: 'application/vnd.amazon.eventstream',
      body: '',
      frames: streamConverse(answer),
      errorFrame: encodeFrame(
        { ':message-type': 'exception', ':exception-type': 'modelStreamErrorException' },
        { message: 'The demo provider failed as asked.' },
      ),
    };
  }
  return jsonReply({
    metrics: { latencyMs: 1 },
    output: { message: { content: [{ text: answer.text }], role: 'assistant' } },
    stopReason: 'end_turn',
    ...(answer.usage && { usage: usageOf(answer.usage) }),
  });
}

function* streamConverse(answer: Answer): Generator<Buffer> {
  const event = (type: string, payload: object): Buffer =>
    encodeFrame({ ':message-type': 'event', ':event-type': type }, payload);
  yield event('messageStart', { role: 'assistant' });
  for (const text of answer.pieces) {
    yield event('contentBlockDelta', { contentBlockIndex: 0, delta: { text } });
  }
  yield event('contentBlockStop', { contentBlockIndex: 0 });
  yield event('messageStop', { stopReason: 'end_turn' });
  const usage = answer.usage ? { usage: usageOf(answer.usage) } : {};
  yield event('metadata', { metrics: { latencyMs: 1 }, ...usage });
}

function usageOf({ input, output }: { input: number; output: number }): object {
  return { inputTokens: input, outputTokens: output, totalTokens: input + output };
}

const STRING_HEADER = 7;

/**
 * One frame of `application/vnd.amazon.eventstream`: total length, head length, CRC of both; headers; payload; CRC of all before it.
 */
function encodeFrame(headers: Readonly<Record<string, string>>, payload: object): Buffer {
  const lines = Object.entries({ ...headers, ':content-type': 'application/json' }).map(([name, value]) => {
    const length = Buffer.alloc(3);
    length.writeUInt8(STRING_HEADER, 0);
    length.writeUInt16BE(Buffer.byteLength(value), 1);
    return Buffer.concat([Buffer.of(Buffer.byteLength(name)), Buffer.from(name), length, Buffer.from(value)]);
  });
  const head = Buffer.concat(lines);
  const body = Buffer.from(JSON.stringify(payload));
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(8 + 4 + head.length + body.length + 4, 0);
  prelude.writeUInt32BE(head.length, 4);
  const frame = Buffer.concat([prelude, sum(prelude), head, body]);
  return Buffer.concat([frame, sum(frame)]);
}

function sum(bytes: Buffer): Buffer {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(bytes), 0);
  return checksum;
}
