/** Speech: text to audio and audio to text. Answers are mostly audio, which passes as it comes. */
import { keyHeader } from '../define.ts';
import { assumed } from '../endpoints.ts';
import {
  anyRow,
  BINARY,
  defineOwn,
  field,
  formRow,
  JOB_IDS,
  jobId,
  jsonRow,
  listRow,
  member,
  readRow,
  socket,
  starts,
} from '../own-rows.ts';
import type { IdMade, ModelPlace, Provider } from '../provider.ts';

const BEARER_KEY = 'Authorization: Bearer {key}';
const IN_QUERY: ModelPlace = { in: 'query', name: 'model' };
const MODEL_ID = [member('model_id')];
const MODEL_ID_FIELD = [field('model_id')];

// Without `callback`, which makes the provider send the result to any URL, and without `version` and `tier`, which choose a model too.
const DEEPGRAM_QUERY = [
  'model language detect_language detect_entities punctuate smart_format paragraphs',
  'utterances utt_split diarize multichannel numerals measurements dictation filler_words',
  'profanity_filter redact replace search keywords keyterm sentiment summarize topics intents',
  'encoding container sample_rate bit_rate channels mip_opt_out',
].flatMap((names) => names.split(' '));

const SPEECHMATICS = {
  // the form's `config` is JSON in a text and names the operating point there
  endpoints: [
    formRow('/jobs', null, starts(jobId())),
    readRow('/jobs/{job}', [jobId('job', 'id')]),
    readRow('/jobs/{job}/transcript', [jobId('job', 'id')]),
    ...assumed(readRow('/jobs/{job}', [jobId('job', 'id')], { method: 'DELETE' })),
  ],
  ids: JOB_IDS,
  passQuery: ['format'],
  adminPaths: ['GET /v2/jobs', 'GET /v2/usage'],
  homepage: 'https://www.speechmatics.com',
  env: 'SPEECHMATICS_API_KEY',
  sources: [
    'https://docs.speechmatics.com/get-started/authentication',
    'https://docs.speechmatics.com/api-ref.md',
    'find_string:eu1.asr.api.speechmatics.com',
  ],
};

/** Uploaded audio is named by a URL, in whose last part the id stands. */
const GLADIA_FILE = 'https://api.gladia.io/file/';
const gladiaFile = (...at: readonly string[]): IdMade => ({ kind: 'upload', at, prefix: GLADIA_FILE });
const GLADIA_UPLOADED = [gladiaFile('audio_url')];
const GLADIA_NAMED = [gladiaFile('request_params', 'audio_url'), gladiaFile('file', 'source')];
const GLADIA_URL = [{ at: ['result_url'] }];

const AZURE_REGION = '[a-z]{3,24}[0-9]?';

/** Speech providers with one key. Amazon's is in aws.ts. */
export const SPEECH_PROVIDERS: readonly Provider[] = defineOwn([
  {
    id: 'elevenlabs',
    name: 'ElevenLabs',
    base: 'https://api.elevenlabs.io/v1',
    auth: keyHeader('xi-api-key'),
    endpoints: [
      jsonRow('/text-to-speech/{voice}', MODEL_ID, BINARY),
      ...assumed(jsonRow('/text-to-speech/{voice}/stream', MODEL_ID, BINARY)),
      ...assumed(jsonRow('/text-to-speech/{voice}/with-timestamps', MODEL_ID)),
      formRow('/speech-to-text', MODEL_ID_FIELD),
      ...assumed(formRow('/speech-to-speech/{voice}', MODEL_ID_FIELD, BINARY)),
      ...assumed(formRow('/speech-to-speech/{voice}/stream', MODEL_ID_FIELD, BINARY)),
      ...assumed(jsonRow('/sound-generation', MODEL_ID, BINARY)),
      ...assumed(formRow('/audio-isolation', [], BINARY)),
      ...assumed(jsonRow('/text-to-dialogue', MODEL_ID, BINARY)),
      listRow('/models'),
    ],
    passQuery: ['output_format', 'enable_logging', 'optimize_streaming_latency'],
    // GET /v1/voices is not open: it lists the account's own cloned voices too
    adminPaths: [
      'ANY /v1/user*',
      'ANY /v1/voices*',
      'ANY /v2/voices*',
      'ANY /v1/workspace/*',
      'ANY /v1/history*',
      'ANY /v1/convai/*',
      'ANY /v1/dubbing*',
      'ANY /v1/studio/*',
      'POST /v1/single-use-token/*',
      'ANY /v1/service-accounts*',
    ],
    webSockets: [
      socket(
        'wss://api.elevenlabs.io/v1/text-to-speech/{voice}/stream-input?model_id={model}',
        'xi-api-key: {key}',
        'xi_api_key in the first message, or ?single_use_token=',
      ),
      socket(
        'wss://api.elevenlabs.io/v1/speech-to-text/realtime?model_id={model}',
        'xi-api-key: {key}',
        '?token= (single use)',
      ),
      socket(
        'wss://api.elevenlabs.io/v1/convai/conversation?agent_id={agent}',
        'xi-api-key: {key}',
        'signed URL',
      ),
    ],
    homepage: 'https://elevenlabs.io',
    env: 'ELEVENLABS_API_KEY',
    sources: ['vercel/ai:packages/elevenlabs/src/elevenlabs-provider.ts'],
  },
  {
    id: 'deepgram',
    name: 'Deepgram',
    base: 'https://api.deepgram.com/v1',
    auth: { kind: 'header', name: 'authorization', template: 'Token {key}' },
    endpoints: [
      anyRow('/listen', [IN_QUERY]),
      jsonRow('/speak', [IN_QUERY], BINARY),
      ...assumed(anyRow('/read', [])),
      listRow('/models'),
    ],
    passQuery: DEEPGRAM_QUERY,
    requestIdHeader: 'dg-request-id',
    adminPaths: ['ANY /v1/projects*', 'POST /v1/auth/grant', 'ANY /v1/self-hosted*'],
    webSockets: [
      ['wss://api.deepgram.com/v1/listen'],
      ['wss://api.deepgram.com/v2/listen'],
      ['wss://api.deepgram.com/v1/speak'],
      ['wss://agent.deepgram.com/v1/agent/converse'],
    ].map(([url = '']) =>
      socket(url, 'Authorization: Token {key}', 'Sec-WebSocket-Protocol: token, {key} or bearer, {jwt}'),
    ),
    homepage: 'https://deepgram.com',
    env: 'DEEPGRAM_API_KEY',
    sources: [
      'vercel/ai:packages/deepgram/src/deepgram-provider.ts',
      'https://developers.deepgram.com/reference/authentication',
      'https://developers.deepgram.com/docs/using-the-sec-websocket-protocol',
    ],
  },
  {
    id: 'speechmatics',
    name: 'Speechmatics (Europe)',
    base: 'https://eu1.asr.api.speechmatics.com/v2',
    aliases: ['speechmatics-eu'],
    ...SPEECHMATICS,
    webSockets: [
      socket('wss://eu.rt.speechmatics.com/v2', BEARER_KEY, '?jwt= (temporary)'),
      socket('wss://us.rt.speechmatics.com/v2', BEARER_KEY, '?jwt= (temporary)', false),
    ],
  },
  {
    id: 'speechmatics-us',
    name: 'Speechmatics (USA)',
    base: 'https://us1.asr.api.speechmatics.com/v2',
    ...SPEECHMATICS,
  },
  {
    id: 'revai',
    name: 'Rev AI',
    base: 'https://api.rev.ai/speechtotext/v1',
    endpoints: [
      anyRow('/jobs', [member('transcriber')], starts(jobId())),
      readRow('/jobs/{job}'),
      readRow('/jobs/{job}/transcript', []),
      readRow('/jobs/{job}/captions', []),
      ...assumed(readRow('/jobs/{job}', [], { method: 'DELETE' })),
    ],
    ids: JOB_IDS,
    adminPaths: [
      'GET /speechtotext/v1/jobs',
      'GET /speechtotext/v1/account',
      'ANY /speechtotext/v1/vocabularies*',
    ],
    webSockets: [
      socket(
        'wss://api.rev.ai/speechtotext/v1/stream?content_type={type}',
        '?access_token={key}',
        '?access_token={key}',
      ),
    ],
    homepage: 'https://www.rev.ai',
    env: 'REVAI_API_KEY',
    sources: ['vercel/ai:packages/revai/src/revai-provider.ts'],
  },
  {
    id: 'cartesia',
    name: 'Cartesia',
    base: 'https://api.cartesia.ai',
    endpoints: [
      jsonRow('/tts/bytes', MODEL_ID, BINARY),
      ...assumed(jsonRow('/tts/sse', MODEL_ID, { stream: 'sse' })),
      ...assumed(formRow('/stt', [field('model')])),
      ...assumed(formRow('/voice-changer/bytes', null, BINARY)),
    ],
    defaultHeaders: [['cartesia-version', '2025-04-16']],
    passHeaders: ['cartesia-version'],
    adminPaths: ['POST /access-token', 'ANY /voices*', 'ANY /datasets*', 'ANY /fine-tunes*', 'ANY /agents*'],
    webSockets: ['tts', 'stt', 'stt/turns'].map((api) =>
      socket(
        `wss://api.cartesia.ai/${api}/websocket`,
        '?api_key={key}&cartesia_version=, or headers',
        '?access_token={token}&cartesia_version=',
      ),
    ),
    homepage: 'https://cartesia.ai',
    env: 'CARTESIA_API_KEY',
    sources: [
      'vercel/ai:packages/cartesia/src/cartesia-provider.ts',
      'find_string:api.cartesia.ai/tts/bytes',
    ],
  },
  {
    id: 'hume',
    name: 'Hume AI',
    base: 'https://api.hume.ai/v0',
    auth: keyHeader('x-hume-api-key'),
    endpoints: [
      jsonRow('/tts/file', [member('version')], BINARY),
      ...assumed(jsonRow('/tts', [member('version')])),
      ...assumed(jsonRow('/tts/stream/file', [member('version')], BINARY)),
      ...assumed(jsonRow('/tts/stream/json', [member('version')], { stream: 'ndjson' })),
    ],
    adminPaths: ['ANY /v0/evi/*', 'ANY /v0/batch/jobs*', 'ANY /v0/tts/voices*', 'POST /oauth2-cc/token'],
    webSockets: [
      socket('wss://api.hume.ai/v0/evi/chat?config_id={config}', '?api_key={key}', '?access_token={token}'),
    ],
    homepage: 'https://www.hume.ai',
    env: 'HUME_API_KEY',
    sources: ['vercel/ai:packages/hume/src/hume-provider.ts'],
  },
  {
    id: 'lmnt',
    name: 'LMNT',
    base: 'https://api.lmnt.com/v1',
    auth: keyHeader('x-api-key'),
    endpoints: [
      jsonRow('/ai/speech/bytes', [member('model')], BINARY),
      jsonRow('/ai/speech', [member('model')]),
    ],
    adminPaths: ['GET /v1/account', 'ANY /v1/ai/voice*'],
    webSockets: [
      socket(
        'wss://api.lmnt.com/v1/ai/speech/stream',
        'key in the first message',
        'key in the first message',
      ),
    ],
    homepage: 'https://www.lmnt.com',
    env: 'LMNT_API_KEY',
    sources: ['vercel/ai:packages/lmnt/src/lmnt-provider.ts'],
  },
  {
    id: 'gladia',
    name: 'Gladia',
    base: 'https://api.gladia.io/v2',
    auth: keyHeader('x-gladia-key'),
    endpoints: [
      formRow('/upload', [], { tags: ['stateful'], makes: GLADIA_UPLOADED }),
      jsonRow('/pre-recorded', [member('model')], {
        ...starts(jobId()),
        urls: GLADIA_URL,
        takes: [{ kind: 'upload', in: 'body', at: ['audio_url'], prefix: GLADIA_FILE }],
      }),
      readRow('/pre-recorded/{job}', [jobId(), ...GLADIA_NAMED], { urls: GLADIA_URL }),
      ...assumed(readRow('/pre-recorded/{job}', [], { method: 'DELETE' })),
    ],
    ids: [...JOB_IDS, { kind: 'upload', with: 'job' }],
    // POST /v2/live answers a socket's URL with a token in it
    adminPaths: [
      'POST /v2/live',
      'GET /v2/live*',
      'GET /v2/pre-recorded',
      'DELETE /v2/*',
      'GET /v2/transcription*',
    ],
    webSockets: [
      socket('wss://api.gladia.io/v2/live?token={token}', 'URL of POST /v2/live', 'URL of POST /v2/live'),
    ],
    homepage: 'https://www.gladia.io',
    env: 'GLADIA_API_KEY',
    sources: ['vercel/ai:packages/gladia/src/gladia-provider.ts'],
  },
  {
    id: 'fish-audio',
    name: 'Fish Audio',
    base: 'https://api.fish.audio/v1',
    // the model is a header, which no claim looks into
    endpoints: [anyRow('/tts', null, BINARY), anyRow('/asr', [])],
    passHeaders: ['model'],
    adminPaths: ['ANY /model*', 'GET /wallet/*'],
    webSockets: [socket('wss://api.fish.audio/v1/tts/live', BEARER_KEY, null)],
    homepage: 'https://fish.audio',
    env: 'FISH_AUDIO_API_KEY',
    sources: ['vercel/ai:packages/fish-audio/src/fish-audio-provider.ts'],
  },
  {
    id: 'azure-speech',
    name: 'Azure AI Speech (text to speech)',
    base: 'https://{region}.tts.speech.microsoft.com/cognitiveservices',
    vars: { region: AZURE_REGION },
    auth: keyHeader('ocp-apim-subscription-key'),
    // SSML in; a custom voice would need `deploymentId`, which is not passed on
    endpoints: [anyRow('/v1', [], BINARY), listRow('/voices/list')],
    passHeaders: ['x-microsoft-outputformat'],
    adminPaths: ['ANY /customvoice/*', 'POST /sts/v1.0/issueToken'],
    homepage: 'https://azure.microsoft.com/products/ai-services/ai-speech',
    env: 'AZURE_SPEECH_KEY',
    sources: ['BerriAI/litellm-docs:docs/providers/azure_ai_speech.md'],
  },
  {
    id: 'azure-speech-to-text',
    name: 'Azure AI Speech (speech to text, short audio)',
    base: 'https://{region}.stt.speech.microsoft.com',
    vars: { region: AZURE_REGION },
    auth: keyHeader('ocp-apim-subscription-key'),
    endpoints: [
      anyRow('/speech/recognition/conversation/cognitiveservices/v1', [{ in: 'query', name: 'cid' }]),
    ],
    passQuery: ['language', 'format', 'profanity', 'cid'],
    webSockets: [
      socket(
        'wss://{region}.stt.speech.microsoft.com/speech/recognition/conversation/cognitiveservices/v1',
        'Ocp-Apim-Subscription-Key: {key}',
        '?Ocp-Apim-Subscription-Key= or ?Authorization=',
        false,
      ),
    ],
    homepage: 'https://azure.microsoft.com/products/ai-services/ai-speech',
    env: 'AZURE_SPEECH_KEY',
    sources: ['BerriAI/litellm-docs:docs/providers/azure_ai_speech.md'],
  },
  {
    id: 'volcengine-speech',
    name: 'Volcengine OpenSpeech (Doubao audio)',
    base: 'https://openspeech.bytedance.com/api/v1',
    // a semicolon and no space; `app.appid` and `app.cluster`, which choose application and engine, stand in the body
    auth: { kind: 'header', name: 'authorization', template: 'Bearer;{key}' },
    endpoints: [jsonRow('/tts', [member('app', 'cluster')])],
    webSockets: [
      socket('wss://openspeech.bytedance.com/api/v1/tts/ws_binary', 'Authorization: Bearer;{key}', null),
    ],
    homepage: 'https://www.volcengine.com',
    env: 'VOLC_SPEECH_TOKEN',
    sources: ['labring/aiproxy:core/relay/adaptor/doubaoaudio/main.go'],
  },
]);
