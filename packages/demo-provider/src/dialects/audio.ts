/** OpenAI audio: speech (binary out) and transcriptions (multipart in). The sound is silence, the text made up. */
import { makeAnswer } from '../answer.ts';
import { type Call, dataFrame, echoOf, jsonReply, type Reply, streamReply, textOf } from '../call.ts';
import { errorFrame, errorReply } from '../errors.ts';

const SPEECH_TYPES: Record<string, string> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};

/** Answers `POST …/audio/speech` with bytes: 100 for each character, after a WAV head if WAV is asked for. */
export function answerSpeech(call: Call): Reply {
  const { input, model, voice, response_format: format = 'mp3' } = call.json;
  if (typeof model !== 'string' || typeof input !== 'string' || voice === undefined) {
    return errorReply('openai', 400, "'model', 'input' and 'voice' are required.");
  }
  const contentType = typeof format === 'string' ? SPEECH_TYPES[format] : undefined;
  if (contentType === undefined) return errorReply('openai', 400, "'response_format' is not one of ours.");
  const sound = Buffer.alloc(100 * input.length);
  const body = format === 'wav' ? Buffer.concat([wavHead(sound.length), sound]) : sound;
  return { status: 200, headers: {}, contentType, body };
}

function wavHead(dataBytes: number): Buffer {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + dataBytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(24_000, 24);
  head.writeUInt32LE(48_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(dataBytes, 40);
  return head;
}

/** Answers `POST …/audio/transcriptions` and `…/translations`: names the file and its size. */
export function answerTranscription(call: Call): Reply {
  const fields = readMultipart(call.body, call.request.headers['content-type'] ?? '');
  if (fields === null) return errorReply('openai', 400, 'Could not parse multipart form');
  const file = fields.get('file');
  if (file === undefined || !fields.has('model'))
    return errorReply('openai', 400, "'file' and 'model' are required.");
  const prompt = `${file.filename ?? 'file'} ${file.value.length} bytes`;
  const answer = makeAnswer(prompt, prompt, call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const format = textOf(fields.get('response_format')?.value.toString());
  if (fields.get('stream')?.value.toString() === 'true') {
    return streamReply(streamTranscript(answer.pieces), errorFrame('openai'));
  }
  if (format === 'text')
    return { status: 200, headers: {}, contentType: 'text/plain; charset=utf-8', body: answer.text };
  const { usage } = answer;
  return jsonReply({
    text: answer.text,
    ...(usage && {
      usage: {
        type: 'tokens',
        input_tokens: usage.input,
        output_tokens: usage.output,
        total_tokens: usage.input + usage.output,
      },
    }),
  });
}

function* streamTranscript(pieces: Iterable<string>): Generator<string> {
  let text = '';
  for (const delta of pieces) {
    text += delta;
    yield dataFrame({ type: 'transcript.text.delta', delta });
  }
  yield dataFrame({ type: 'transcript.text.done', text });
  yield 'data: [DONE]\n\n';
}

interface Field {
  readonly value: Buffer;
  readonly filename: string | undefined;
}

/** RFC 7578, the plain cases. Null if the body is not multipart form data. */
function readMultipart(body: Buffer, contentType: string): Map<string, Field> | null {
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined || !body.includes(`--${boundary}--`)) return null;
  const fields = new Map<string, Field>();
  const mark = Buffer.from(`--${boundary}\r\n`);
  for (let at = body.indexOf(mark); at >= 0; ) {
    const headStart = at + mark.length;
    const headEnd = body.indexOf('\r\n\r\n', headStart);
    const end = body.indexOf(`\r\n--${boundary}`, headEnd);
    if (headEnd < 0 || end < 0) return null;
    const head = body.toString('utf8', headStart, headEnd);
    const name = /name="([^"]*)"/.exec(head)?.[1];
    if (name === undefined) return null;
    fields.set(name, {
      value: body.subarray(headEnd + 4, end),
      filename: /filename="([^"]*)"/.exec(head)?.[1],
    });
    at = body.indexOf(mark, end);
  }
  return fields;
}
