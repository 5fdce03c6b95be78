/**
 * What the providers that are no plain LLM hosts see on the wire, one row for each kind of credential and of body. Written out from their
 * documentation (hosts, header names, prefixes, query names), not worked out from the registry.
 */

/** A kind of body: JSON, a form with a file, raw audio, or none (GET). */
export type BodyKind = 'json' | 'form' | 'raw' | 'none';

/** One call and what arrives of it. */
export interface WireRow {
  readonly id: string;
  readonly body: BodyKind;
  /** Path and query that the caller sends. */
  readonly asks: string;
  /** URL that arrives. */
  readonly at: string;
  /** Lines that arrive, the credential's among them. */
  readonly lines: Readonly<Record<string, string>>;
  /** Lines that the caller sends. */
  readonly sends?: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, string>>;
  /** Default: `sk-demo-<field>` for each field of the entry. */
  readonly credential?: Readonly<Record<string, string>>;
  /** `paths` of the token: a GET that computes is not open without. */
  readonly paths?: readonly string[];
}

/** Provider, body, URL and the one line with the credential. */
const PLAIN = `
elevenlabs         json  https://api.elevenlabs.io/v1/text-to-speech/v7?output_format=mp3_44100_128   xi-api-key: sk-demo-key
elevenlabs         form  https://api.elevenlabs.io/v1/speech-to-text   xi-api-key: sk-demo-key
deepgram           raw   https://api.deepgram.com/v1/listen?model=nova-3&smart_format=true   authorization: Token sk-demo-key
deepgram           json  https://api.deepgram.com/v1/speak?model=aura-2-thalia-en   authorization: Token sk-demo-key
speechmatics       form  https://eu1.asr.api.speechmatics.com/v2/jobs   authorization: Bearer sk-demo-key
speechmatics-us    form  https://us1.asr.api.speechmatics.com/v2/jobs   authorization: Bearer sk-demo-key
revai              json  https://api.rev.ai/speechtotext/v1/jobs   authorization: Bearer sk-demo-key
revai              form  https://api.rev.ai/speechtotext/v1/jobs   authorization: Bearer sk-demo-key
hume               json  https://api.hume.ai/v0/tts/file   x-hume-api-key: sk-demo-key
lmnt               json  https://api.lmnt.com/v1/ai/speech/bytes   x-api-key: sk-demo-key
gladia             form  https://api.gladia.io/v2/upload   x-gladia-key: sk-demo-key
gladia             json  https://api.gladia.io/v2/pre-recorded   x-gladia-key: sk-demo-key
fish-audio         form  https://api.fish.audio/v1/asr   authorization: Bearer sk-demo-key
volcengine-speech  json  https://openspeech.bytedance.com/api/v1/tts   authorization: Bearer;sk-demo-key
stability-ai       form  https://api.stability.ai/v2beta/stable-image/generate/core   authorization: Bearer sk-demo-key
stability-ai       json  https://api.stability.ai/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image   authorization: Bearer sk-demo-key
luma               json  https://api.lumalabs.ai/dream-machine/v1/generations   authorization: Bearer sk-demo-key
prodia             json  https://inference.prodia.com/v2/job?price=true   authorization: Bearer sk-demo-key
segmind            json  https://api.segmind.com/v1/sdxl1.0-txt2img   x-api-key: sk-demo-key
recraft            json  https://external.api.recraft.ai/v1/images/generations   authorization: Bearer sk-demo-key
recraft            form  https://external.api.recraft.ai/v1/images/inpaint   authorization: Bearer sk-demo-key
ideogram           form  https://api.ideogram.ai/v1/ideogram-v3/generate   api-key: sk-demo-key
ideogram           json  https://api.ideogram.ai/generate   api-key: sk-demo-key
meshy              json  https://api.meshy.ai/openapi/v2/text-to-3d   authorization: Bearer sk-demo-key
tripo3d            json  https://api.tripo3d.ai/v2/openapi/task   authorization: Bearer sk-demo-key
tripo3d            form  https://api.tripo3d.ai/v2/openapi/upload   authorization: Bearer sk-demo-key
topaz              form  https://api.topazlabs.com/image/v1/enhance   x-api-key: sk-demo-key
vidu               json  https://api.vidu.com/ent/v2/img2video   authorization: Token sk-demo-key
quiverai           json  https://api.quiver.ai/v1/svgs/generations   authorization: Bearer sk-demo-key
deepai             form  https://api.deepai.org/api/text2img   api-key: sk-demo-key
vertex-express     json  https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash:generateContent   x-goog-api-key: sk-demo-key
yandex-cloud       json  https://llm.api.cloud.yandex.net/foundationModels/v1/completion   authorization: Api-Key sk-demo-key
naver-clova        json  https://clovastudio.stream.ntruss.com/v1/openai/chat/completions   authorization: Bearer sk-demo-key
naver-clova        json  https://clovastudio.stream.ntruss.com/testapp/v3/chat-completions/HCX-005   authorization: Bearer sk-demo-key
coze               json  https://api.coze.com/v3/chat   authorization: Bearer sk-demo-key
dify               json  https://api.dify.ai/v1/chat-messages   authorization: Bearer sk-demo-key
dify               form  https://api.dify.ai/v1/audio-to-text   authorization: Bearer sk-demo-key
doc2x              raw   https://v2.doc2x.noedgeai.com/api/v2/parse/pdf   authorization: Bearer sk-demo-key
nlp-cloud          json  https://api.nlpcloud.io/v1/gpu/finetuned-llama-3-70b/generation   authorization: Token sk-demo-key
jina               json  https://api.jina.ai/v1/rerank   authorization: Bearer sk-demo-key
jina-deepsearch    json  https://deepsearch.jina.ai/v1/chat/completions   authorization: Bearer sk-demo-key
voyage             json  https://api.voyageai.com/v1/embeddings   authorization: Bearer sk-demo-key
nomic              json  https://api-atlas.nomic.ai/v1/embedding/text   authorization: Bearer sk-demo-key
nomic              form  https://api-atlas.nomic.ai/v1/embedding/image   authorization: Bearer sk-demo-key
tei                json  https://tei.example/embed   authorization: Bearer sk-demo-key
`;

const PLAIN_ROW = /^(\S+)\s+(json|form|raw)\s+(\S+)\s+([a-z-]+): (.+)$/;

function readPlain(text: string): WireRow {
  const [, id = '', body = '', at = '', name = '', value = ''] = PLAIN_ROW.exec(text) ?? [];
  if (id === '') throw new Error(`no row: ${text}`);
  const asks = at.slice(new URL(at).origin.length);
  return { id, body: body as BodyKind, asks, at, lines: { [name]: value } };
}

const OTHERS: readonly WireRow[] = [
  {
    id: 'cartesia',
    body: 'json',
    asks: '/tts/bytes',
    at: 'https://api.cartesia.ai/tts/bytes',
    lines: { authorization: 'Bearer sk-demo-key', 'cartesia-version': '2025-04-16' },
  },
  {
    id: 'cartesia',
    body: 'form',
    asks: '/stt',
    at: 'https://api.cartesia.ai/stt',
    lines: { authorization: 'Bearer sk-demo-key', 'cartesia-version': '2024-11-13' },
    sends: { 'Cartesia-Version': '2024-11-13' },
  },
  {
    id: 'fish-audio',
    body: 'json',
    asks: '/v1/tts',
    at: 'https://api.fish.audio/v1/tts',
    lines: { authorization: 'Bearer sk-demo-key', model: 's1' },
    sends: { model: 's1' },
  },
  {
    id: 'azure-speech',
    body: 'raw',
    asks: '/cognitiveservices/v1',
    at: 'https://westeurope.tts.speech.microsoft.com/cognitiveservices/v1',
    lines: {
      'ocp-apim-subscription-key': 'sk-demo-key',
      'x-microsoft-outputformat': 'riff-24khz-16bit-mono-pcm',
    },
    sends: { 'X-Microsoft-OutputFormat': 'riff-24khz-16bit-mono-pcm' },
    vars: { region: 'westeurope' },
  },
  {
    id: 'azure-speech-to-text',
    body: 'raw',
    asks: '/speech/recognition/conversation/cognitiveservices/v1?language=en-US',
    at: 'https://eastus2.stt.speech.microsoft.com/speech/recognition/conversation/cognitiveservices/v1?language=en-US',
    lines: { 'ocp-apim-subscription-key': 'sk-demo-key' },
    vars: { region: 'eastus2' },
  },
  {
    id: 'runway',
    body: 'json',
    asks: '/v1/image_to_video',
    at: 'https://api.dev.runwayml.com/v1/image_to_video',
    lines: { authorization: 'Bearer sk-demo-key', 'x-runway-version': '2024-11-06' },
  },
  {
    id: 'klingai',
    body: 'json',
    asks: '/v1/videos/text2video',
    at: 'https://api-singapore.klingai.com/v1/videos/text2video',
    lines: { authorization: 'Bearer sk-demo-key' },
    credential: { key: 'sk-demo-key' },
  },
  {
    id: 'bedrock',
    body: 'json',
    asks: '/model/amazon.nova-lite-v1%3A0/converse',
    at: 'https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse',
    lines: { authorization: 'Bearer sk-demo-key' },
    credential: { key: 'sk-demo-key' },
  },
  {
    id: 'bedrock-mantle',
    body: 'json',
    asks: '/anthropic/v1/messages',
    at: 'https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages',
    lines: { authorization: 'Bearer sk-demo-key', 'anthropic-version': '2023-06-01' },
    credential: { key: 'sk-demo-key' },
  },
  {
    id: 'anthropic-aws',
    body: 'json',
    asks: '/v1/messages',
    at: 'https://aws-external-anthropic.us-east-1.api.aws/v1/messages',
    lines: {
      'x-api-key': 'sk-demo-key',
      'anthropic-workspace-id': 'wrkspc_01demo',
      'anthropic-version': '2023-06-01',
    },
    sends: { 'anthropic-workspace-id': 'wrkspc_other' },
    vars: { region: 'us-east-1', workspace: 'wrkspc_01demo' },
    credential: { key: 'sk-demo-key' },
  },
  {
    id: 'vertex',
    body: 'json',
    asks: '/v1/projects/demo-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    at: 'https://europe-west4-aiplatform.googleapis.com/v1/projects/demo-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    lines: { authorization: 'Bearer ya29-demo' },
    vars: { location: 'europe-west4', project: 'demo-project' },
    credential: { oauth_token: 'ya29-demo' },
  },
  {
    id: 'google-cloud-language',
    body: 'json',
    asks: '/v2/documents:analyzeSentiment',
    at: 'https://language.googleapis.com/v2/documents:analyzeSentiment',
    lines: { 'x-goog-api-key': 'sk-demo-key' },
    credential: { key: 'sk-demo-key' },
  },
  {
    id: 'yandex-cloud',
    body: 'json',
    asks: '/v1/chat/completions',
    at: 'https://llm.api.cloud.yandex.net/v1/chat/completions',
    lines: { authorization: 'Bearer t1-demo' },
    credential: { iam_token: 't1-demo' },
  },
  {
    id: 'baidu-wenxin-legacy',
    body: 'json',
    asks: '/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions_pro',
    at: 'https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions_pro?access_token=demo-access-token',
    lines: {},
  },
  {
    id: 'watsonx',
    body: 'json',
    asks: '/ml/v1/text/chat?version=2025-02-11',
    at: 'https://us-south.ml.cloud.ibm.com/ml/v1/text/chat?version=2025-02-11',
    lines: { authorization: 'Bearer demo-access-token' },
    vars: { region: 'us-south' },
  },
  {
    id: 'watsonx',
    body: 'json',
    asks: '/ml/v1/text/chat_stream',
    at: 'https://us-south.ml.cloud.ibm.com/ml/v1/text/chat_stream?version=2024-05-31',
    lines: { authorization: 'Bearer demo-access-token' },
    vars: { region: 'us-south' },
  },
  {
    id: 'sap-ai-core',
    body: 'json',
    asks: '/v2/inference/deployments/d0a1/chat/completions?api-version=2024-06-01',
    at: 'https://api.ai.prod.eu-central-1.aws.ml.hana.ondemand.com/v2/inference/deployments/d0a1/chat/completions?api-version=2024-06-01',
    lines: { authorization: 'Bearer demo-access-token', 'ai-resource-group': 'default' },
    sends: { 'AI-Resource-Group': 'others' },
    vars: { region: 'eu-central-1', cloud: 'aws', tenant: 'my-shop', landscape: 'eu10', group: 'default' },
  },
  {
    id: 'gigachat',
    body: 'json',
    asks: '/api/v1/chat/completions',
    at: 'https://gigachat.devices.sberbank.ru/api/v1/chat/completions',
    lines: { authorization: 'Bearer demo-access-token' },
    vars: { scope: 'GIGACHAT_API_PERS' },
  },
  {
    id: 'wolfram-alpha',
    body: 'none',
    asks: '/v2/query?input=pi%2Be',
    at: 'https://api.wolframalpha.com/v2/query?input=pi%2Be&output=json&appid=sk-demo-key',
    lines: {},
    paths: ['GET /v2/query'],
  },
  {
    id: 'wolfram-alpha-llm',
    body: 'none',
    asks: '/api/v1/llm-api?input=pi',
    at: 'https://www.wolframalpha.com/api/v1/llm-api?input=pi&appid=sk-demo-key',
    lines: {},
    paths: ['GET /llm-api'],
  },
  {
    id: 'wit-ai',
    body: 'raw',
    asks: '/speech',
    at: 'https://api.wit.ai/speech?v=20250101',
    lines: { authorization: 'Bearer sk-demo-key' },
  },
  {
    id: 'bigml',
    body: 'json',
    asks: '/andromeda/prediction',
    at: 'https://bigml.io/andromeda/prediction?username=sk-demo-username;api_key=sk-demo-key',
    lines: {},
  },
  {
    id: 'faceplusplus',
    body: 'form',
    asks: '/facepp/v3/detect',
    at: 'https://api-us.faceplusplus.com/facepp/v3/detect?api_key=sk-demo-api_key&api_secret=sk-demo-api_secret',
    lines: {},
  },
  {
    id: 'triton',
    body: 'raw',
    asks: '/v2/models/simple/infer',
    at: 'https://triton.example/v2/models/simple/infer',
    lines: {},
    credential: { key: 'sk-demo-unused' },
  },
  {
    id: 'voiceflow',
    body: 'json',
    asks: '/state/user/u-1/interact',
    at: 'https://general-runtime.voiceflow.com/state/user/u-1/interact',
    lines: { authorization: 'sk-demo-key' },
    paths: ['POST /state/user/u-1/interact'],
  },
  {
    id: 'wit-ai',
    body: 'none',
    asks: '/message?q=hi&v=20240304',
    at: 'https://api.wit.ai/message?q=hi&v=20240304',
    lines: { authorization: 'Bearer sk-demo-key' },
    paths: ['GET /message'],
  },
];

/** The table. */
export const WIRE_ROWS: readonly WireRow[] = [...PLAIN.trim().split('\n').map(readPlain), ...OTHERS];
