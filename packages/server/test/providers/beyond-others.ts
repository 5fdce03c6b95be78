/** As beyond.ts, for speech, media, clouds and tools. By hand, from the providers' documents. */

/** Entries that the facts hold only as a further host of another: origin, credential line (null where it is signed, fetched or in the query), paths. */
export const OTHERS_ADDED: Readonly<
  Record<string, readonly [origin: string, line: string | null, ...paths: string[]]>
> = {
  'speechmatics-us': ['https://us1.asr.api.speechmatics.com', 'Bearer {key}', 'POST /v2/jobs'],
  'azure-speech-to-text': [
    'https://{region}.stt.speech.microsoft.com',
    'ocp-apim-subscription-key: {key}',
    'POST /speech/recognition/conversation/cognitiveservices/v1',
  ],
  'amazon-bedrock-mantle': [
    'https://bedrock-mantle.{region}.api.aws',
    null,
    'POST /v1/chat/completions',
    'POST /v1/responses',
    'POST /anthropic/v1/messages',
  ],
  'amazon-bedrock-agent-runtime': [
    'https://bedrock-agent-runtime.{region}.amazonaws.com',
    null,
    'POST /rerank',
  ],
  'google-vertex-global': [
    'https://aiplatform.googleapis.com',
    null,
    'POST /v1/projects/{project}/locations/global/publishers/google/models/{model}:{generateContent|streamGenerateContent|countTokens|predict}',
    'POST /v1/projects/{project}/locations/global/publishers/anthropic/models/{model}:{rawPredict|streamRawPredict}',
    'POST /v1/projects/{project}/locations/global/endpoints/openapi/chat/completions',
  ],
  'google-vertex-express': [
    'https://aiplatform.googleapis.com',
    'x-goog-api-key: {key}',
    'POST /v1/publishers/google/models/{model}:{generateContent|streamGenerateContent}',
  ],
  'dialogflow-regional': [
    'https://{location}-dialogflow.googleapis.com',
    null,
    'POST /v2/projects/{project}/locations/{location}/agent/sessions/{session}:detectIntent',
    'POST /v3/projects/{project}/locations/{location}/agents/{agent}/sessions/{session}:{detectIntent|serverStreamingDetectIntent|matchIntent|fulfillIntent}',
  ],
  'tencent-hunyuan-legacy-embedding': ['https://hunyuan.tencentcloudapi.com', null, 'POST /'],
  'wolfram-alpha-llm': ['https://www.wolframalpha.com', null, 'GET /api/v1/llm-api'],
  'jina-deepsearch': ['https://deepsearch.jina.ai', 'Bearer {key}', 'POST /v1/chat/completions'],
};

const V1BETA1 = 'POST /v1beta1/projects/{project}/locations';

function vertexBeta(location: string): string[] {
  return [
    `${V1BETA1}/${location}/publishers/google/models/{model}:{generateContent|streamGenerateContent|countTokens|predict}`,
    `${V1BETA1}/${location}/publishers/anthropic/models/{model}:{rawPredict|streamRawPredict}`,
    `${V1BETA1}/${location}/endpoints/openapi/chat/completions`,
  ];
}

/** Open rows that the facts do not name. */
export const OTHERS_BEYOND: Readonly<Record<string, readonly string[]>> = {
  elevenlabs: ['POST /v1/speech-to-speech/{voice}/stream'],
  // facts name three of them; each name is a model
  // as in Europe
  'speechmatics-us': ['GET /v2/jobs/{id}', 'GET /v2/jobs/{id}/transcript'],
  // jobs beside the call that waits
  topaz: ['POST /image/v1/{enhance|sharpen|denoise|restore|lighting|matting}/async'],
  'stability-ai': ['POST /v2beta/stable-image/generate/{model}'],
  ideogram: ['POST /v1/{model}/{generate|edit|remix|reframe|replace-background}'],
  // both versions are in use: vercel/ai speaks v1beta1, Portkey v1
  'google-vertex': vertexBeta('{location}'),
  'google-vertex-global': vertexBeta('global'),
  'google-vertex-express': [
    'POST /v1beta1/publishers/google/models/{model}:{generateContent|streamGenerateContent}',
  ],
  dialogflow: [
    'POST /v3/projects/{project}/locations/global/agents/{agent}/sessions/{session}:{detectIntent|serverStreamingDetectIntent|matchIntent|fulfillIntent}',
  ],
  'sap-ai-core': [
    'POST /v2/inference/deployments/{deployment}/{chat/completions|completion|invoke|converse}',
    'POST /v2/inference/deployments/{deployment}/models/{model}:generateContent',
  ],
};

/** Paths that a source shows and that the registry has in another way. */
export const OTHERS_LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ideogram: {
    'POST /v1/ideogram-v3/{generate|edit|remix|reframe|replace-background}': 'open as /v1/{model}/…',
    'POST /v1/ideogram-v4/generate': 'open as /v1/{model}/generate',
  },
  'google-vertex': {
    'POST /v1/publishers/google/models/{model}:{generateContent|streamGenerateContent}':
      'express mode has an entry of its own: google-vertex-express',
  },
};
