/** Gemini content generation, plain, as SSE and as a JSON array, and token counting. See ai.google.dev/api. */
import { type Answer, countTokens, makeAnswer } from '../answer.ts';
import {
  type Call,
  dataFrame,
  echoOf,
  jsonReply,
  lastUserText,
  type Reply,
  streamReply,
  textOf,
} from '../call.ts';
import { errorFrame, errorReply } from '../errors.ts';

/** Answers `POST …/models/{model}:generateContent` and `:streamGenerateContent`. */
export function answerGenerate(call: Call): Reply {
  const { json } = call;
  if (!Array.isArray(json.contents) || json.contents.length === 0) {
    return errorReply('gemini', 400, 'GenerateContentRequest.contents: contents is not specified');
  }
  const prompt = `${textOf(json.systemInstruction)} ${textOf(json.contents)}`;
  const answer = makeAnswer(prompt, lastUserText(json.contents), call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const build = buildContent(call, answer);
  if (!call.path.endsWith(':streamGenerateContent')) return jsonReply(build(answer.text, true));
  if (call.query.get('alt') === 'sse')
    return streamReply(frames(build, answer, dataFrame), errorFrame('gemini'));
  const array = streamReply(arrayFrames(build, answer), '');
  return { ...array, contentType: 'application/json; charset=UTF-8' };
}

/** Answers `POST …/models/{model}:countTokens`. */
export function countGeminiTokens(call: Call): Reply {
  const totalTokens = Math.max(1, countTokens(textOf(call.json.contents)));
  return jsonReply({ totalTokens, promptTokensDetails: [{ modality: 'TEXT', tokenCount: totalTokens }] });
}

type Build = (text: string, last: boolean) => object;

function buildContent(call: Call, answer: Answer): Build {
  return (text, last) => ({
    candidates: [
      { content: { parts: [{ text }], role: 'model' }, ...(last && { finishReason: 'STOP' }), index: 0 },
    ],
    ...(answer.usage && {
      usageMetadata: {
        promptTokenCount: answer.usage.input,
        ...(last && { candidatesTokenCount: answer.usage.output }),
        totalTokenCount: answer.usage.input + (last ? answer.usage.output : 0),
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: answer.usage.input }],
      },
    }),
    modelVersion: call.model,
    responseId: `demo${call.serial}`,
  });
}

/** The service marks the last chunk that holds text, so one piece is always held back. */
function* frames(build: Build, answer: Answer, write: (value: object) => string): Generator<string> {
  let held: string | null = null;
  for (const piece of answer.pieces) {
    if (held !== null) yield write(build(held, false));
    held = piece;
  }
  yield write(build(held ?? '', true));
}

function* arrayFrames(build: Build, answer: Answer): Generator<string> {
  let first = true;
  for (const frame of frames(build, answer, JSON.stringify)) {
    yield `${first ? '[' : ',\r\n'}${frame}`;
    first = false;
  }
  yield ']';
}
