/** Providers whose work is kept, as far as the SDKs of jobs.test.ts go: they answer with ids and absolute URLs of the real hosts. */
import type { FakeAnswer, SeenRequest } from '../providers/fake-upstream.ts';

const REPLICATE = 'https://api.replicate.com/v1';
const ASSEMBLYAI = 'https://api.assemblyai.com/v2';
const OPENAI = 'https://api.openai.com/v1';
const GEMINI = 'https://generativelanguage.googleapis.com';
/** What stands before an uploaded file's id. */
export const UPLOADED = 'https://cdn.assemblyai.com/upload/';

const SSE = { 'content-type': 'text/event-stream' };
const HAIKU = ['a ', 'haiku'];
/** Where Replicate streams text, and where files. */
export const TEXT_STREAM = 'https://stream-b.svc.ric1.c.replicate.net/v1/streams/stream-1';
export const FILE_STREAM = 'https://stream.replicate.com/v1/files/stream-2';

/** A file of a prediction's; it needs no key and stands on another host. */
export const PICTURE = 'https://replicate.delivery/pred-1/out.png';

const prediction = (status: string, stream = TEXT_STREAM) => ({
  id: 'pred-1',
  status,
  output: status === 'succeeded' ? HAIKU : null,
  urls: {
    get: `${REPLICATE}/predictions/pred-1`,
    cancel: `${REPLICATE}/predictions/pred-1/cancel`,
    stream,
    web: 'https://replicate.com/p/pred-1',
  },
});
const transcript = (status: string) => ({
  id: 'tr-1',
  status,
  audio_url: `${UPLOADED}up-1`,
  text: status === 'completed' ? 'more or less' : null,
});
const file = (version: string) => ({ name: 'files/gem-1', uri: `${GEMINI}/${version}/files/gem-1` });
const candidates = { candidates: [{ content: { role: 'model', parts: [{ text: 'It says: hello' }] } }] };

const response = (status: string, previous: string | null = null) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  model: 'gpt-demo',
  status,
  previous_response_id: previous,
  output:
    status === 'queued'
      ? []
      : [
          {
            id: 'msg_1',
            type: 'message',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text: 'hello to you', annotations: [] }],
          },
        ],
});
const item = (id: string) => ({ id, type: 'message', role: 'user', content: [] });
const page = (id: string, more: boolean) => ({
  object: 'list',
  data: [item(id)],
  first_id: id,
  last_id: id,
  has_more: more,
});

function responseEvents(previous: string | null): string[] {
  const whole = response('completed', previous);
  const [message] = whole.output;
  const at = { output_index: 0, item_id: 'msg_1', content_index: 0 };
  const part = { type: 'output_text', text: '', annotations: [] };
  const events = [
    { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...message, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...at, part },
    { type: 'response.output_text.delta', ...at, delta: 'hello to you' },
    { type: 'response.output_text.done', ...at, text: 'hello to you' },
    { type: 'response.output_item.done', output_index: 0, item: message },
    { type: 'response.completed', response: whole },
  ];
  return events.map(
    (event, i) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: i })}\n\n`,
  );
}

/** Answers by what is asked; `times` says how often this very line was asked before. */
type Answers = Readonly<Record<string, FakeAnswer | ((seen: SeenRequest, times: number) => FakeAnswer)>>;

const REPLICATES: Answers = {
  [`POST ${REPLICATE}/models/demo/haiku/predictions`]: { status: 201, body: prediction('starting') },
  [`POST ${REPLICATE}/predictions`]: { status: 201, body: prediction('succeeded') },
  [`GET ${REPLICATE}/predictions/pred-1`]: (_, times) => ({
    body: prediction(times === 0 ? 'processing' : 'succeeded'),
  }),
  [`POST ${REPLICATE}/predictions/pred-1/cancel`]: { body: prediction('canceled') },
  [`POST ${REPLICATE}/models/demo/picture/predictions`]: {
    status: 201,
    body: prediction('starting', FILE_STREAM),
  },
  [`GET ${TEXT_STREAM}`]: {
    headers: SSE,
    body: [
      'event: output\nid: 1\ndata: a \n\n',
      'event: output\nid: 2\nda',
      'ta: haiku\n\nevent: done\ndata: {}\n\n',
    ],
  },
  [`GET ${FILE_STREAM}`]: {
    headers: SSE,
    body: `event: output\nid: 1\ndata: ${PICTURE}\n\nevent: done\ndata: {}\n\n`,
  },
};

const ASSEMBLYAIS: Answers = {
  [`POST ${ASSEMBLYAI}/upload`]: { body: { upload_url: `${UPLOADED}up-1` } },
  [`POST ${ASSEMBLYAI}/transcript`]: { body: transcript('queued') },
  [`GET ${ASSEMBLYAI}/transcript/tr-1`]: (_, times) => ({
    body: transcript(times === 0 ? 'processing' : 'completed'),
  }),
  [`GET ${ASSEMBLYAI}/transcript/tr-1/sentences`]: {
    body: { id: 'tr-1', sentences: [{ text: 'more or less' }] },
  },
  [`GET ${ASSEMBLYAI}/transcript/tr-1/srt?chars_per_caption=32`]: {
    headers: { 'content-type': 'text/plain' },
    body: '1\n00:00:00,000 --> 00:00:01,000\nmore or less\n',
  },
  [`DELETE ${ASSEMBLYAI}/transcript/tr-1`]: { body: { ...transcript('completed'), text: 'deleted' } },
};

const OPENAIS: Answers = {
  [`POST ${OPENAI}/responses`]({ body }) {
    const asked = JSON.parse(body) as {
      stream?: boolean;
      background?: boolean;
      previous_response_id?: string;
    };
    const previous = asked.previous_response_id ?? null;
    if (asked.stream) return { headers: SSE, body: responseEvents(previous) };
    return { body: response(asked.background ? 'queued' : 'completed', previous) };
  },
  [`GET ${OPENAI}/responses/resp_1`]: { body: response('completed') },
  [`GET ${OPENAI}/responses/resp_1?stream=true`]: { headers: SSE, body: responseEvents(null) },
  [`GET ${OPENAI}/responses/resp_1/input_items`]: { body: page('msg_in_1', true) },
  [`GET ${OPENAI}/responses/resp_1/input_items?after=msg_in_1`]: { body: page('msg_in_2', false) },
  [`POST ${OPENAI}/responses/resp_1/cancel`]: { body: { ...response('completed'), status: 'cancelled' } },
  [`DELETE ${OPENAI}/responses/resp_1`]: { body: { id: 'resp_1', object: 'response', deleted: true } },
  [`POST ${OPENAI}/files`]: {
    body: { id: 'file-1', object: 'file', filename: 'notes.txt', status: 'uploaded' },
  },
  [`GET ${OPENAI}/files/file-1`]: (_, times) => ({
    body: { id: 'file-1', object: 'file', status: times === 0 ? 'uploaded' : 'processed' },
  }),
  [`GET ${OPENAI}/files/file-1/content`]: {
    headers: { 'content-type': 'text/plain' },
    body: 'what is in the file',
  },
  [`DELETE ${OPENAI}/files/file-1`]: { body: { id: 'file-1', object: 'file', deleted: true } },
};

const googles = (version: string): Answers => ({
  [`POST ${GEMINI}/upload/${version}/files`]: {
    headers: {
      'x-goog-upload-status': 'active',
      'x-goog-upload-url': `${GEMINI}/upload/${version}/files?upload_id=going-1&upload_protocol=resumable`,
    },
  },
  [`POST ${GEMINI}/upload/${version}/files?upload_id=going-1&upload_protocol=resumable`]: {
    headers: { 'x-goog-upload-status': 'final' },
    // whichever version is asked, a file's URI may name either
    body: { file: file('v1beta') },
  },
  [`GET ${GEMINI}/${version}/files/gem-1`]: { body: file(version) },
  [`DELETE ${GEMINI}/${version}/files/gem-1`]: { body: {} },
  [`POST ${GEMINI}/${version}/models/gemini-2.5-flash:generateContent`]: { body: candidates },
  [`POST ${GEMINI}/${version}/models/gemini-2.5-flash:streamGenerateContent?alt=sse`]: {
    headers: SSE,
    body: `data: ${JSON.stringify(candidates)}\n\n`,
  },
});

const ALL: Answers = {
  ...REPLICATES,
  ...ASSEMBLYAIS,
  ...OPENAIS,
  ...googles('v1'),
  ...googles('v1beta'),
};

/** The answer to one request; 404 with a word where nothing is known. */
export function answerJobs(seen: SeenRequest, times: number): FakeAnswer {
  const answer = ALL[seen.line];
  if (answer === undefined)
    return { status: 404, body: { error: { message: `the fake has no ${seen.line}` } } };
  return typeof answer === 'function' ? answer(seen, times) : answer;
}
