/** Amazon's services. Each request is signed over its body (SigV4), or takes an API key where the service has such. */
import { BEARER, keyHeader } from '../define.ts';
import { assumed, CHAT, MESSAGES, RESPONSES, under } from '../endpoints.ts';
import { anyRow, BINARY, defineOwn, jsonRow, listRow, member, segment } from '../own-rows.ts';
import type { Endpoint, Provider, SignedAuth } from '../provider.ts';

/**
 * Regions only: another name in its place could lead to a host that is not the service's own (`polly.s3.amazonaws.com` is a bucket).
 * Without China, whose hosts end otherwise.
 */
const REGION = { region: '[a-z]{2}(?:-[a-z]{2,12}){1,2}-[0-9]{1,2}' };

function signed(service: string): SignedAuth {
  return { kind: 'signed', by: 'aws-sigv4', service, region: '{region}' };
}

/** What all of them have in common. */
const AWS = {
  vars: REGION,
  credentialFields: ['access_key_id', 'secret_access_key'],
  optionalFields: ['session_token'],
  env: 'AWS_ACCESS_KEY_ID',
  requestIdHeader: 'x-amzn-requestid',
};

const BEDROCK_KEY = {
  otherCredentials: [{ fields: ['key'], auth: BEARER }],
  env: 'AWS_BEARER_TOKEN_BEDROCK',
};
const BEDROCK_SOURCES = [
  'Portkey-AI/gateway:src/providers/bedrock/api.ts',
  'vercel/ai:packages/amazon-bedrock/src/amazon-bedrock-provider.ts',
  'BerriAI/litellm-docs:docs/providers/bedrock.md',
];

/** The model of Bedrock's paths is a name, or an ARN with its slashes escaped. */
const PATH_MODEL = [segment('model')];
const CONVERSE: Partial<Endpoint> = { capGroups: [[['inferenceConfig', 'maxTokens']]] };

const BEDROCK_ROWS: readonly Endpoint[] = [
  jsonRow('/model/{model}/converse', PATH_MODEL, CONVERSE),
  jsonRow('/model/{model}/converse-stream', PATH_MODEL, { ...CONVERSE, stream: 'aws-eventstream' }),
  anyRow('/model/{model}/invoke', PATH_MODEL),
  anyRow('/model/{model}/invoke-with-response-stream', PATH_MODEL, { stream: 'aws-eventstream' }),
  ...assumed(jsonRow('/model/{model}/count-tokens', PATH_MODEL)),
];

/** Amazon's own entries. */
export const AWS_SERVICES: readonly Provider[] = defineOwn([
  {
    ...AWS,
    ...BEDROCK_KEY,
    id: 'amazon-bedrock',
    name: 'Amazon Bedrock',
    aliases: ['bedrock', 'aws-bedrock'],
    base: 'https://bedrock-runtime.{region}.amazonaws.com',
    moreRoots: ['/openai/v1'],
    auth: signed('bedrock'),
    endpoints: [...under([''], BEDROCK_ROWS), ...under(['/openai/v1'], [CHAT])],
    passHeaders: [
      'x-amzn-bedrock-accept',
      'x-amzn-bedrock-guardrailidentifier',
      'x-amzn-bedrock-guardrailversion',
      'x-amzn-bedrock-trace',
      'x-amzn-bedrock-performanceconfig-latency',
    ],
    needsIncludeUsage: true,
    adminPaths: [
      'ANY /async-invoke*',
      'POST /guardrail/*',
      'ANY /knowledgebases*',
      'ANY /agents*',
      'ANY /flows*',
    ],
    homepage: 'https://aws.amazon.com/bedrock',
    sources: BEDROCK_SOURCES,
  },
  {
    ...AWS,
    ...BEDROCK_KEY,
    id: 'amazon-bedrock-mantle',
    name: 'Amazon Bedrock (OpenAI- and Anthropic-compatible)',
    aliases: ['bedrock-mantle'],
    base: 'https://bedrock-mantle.{region}.api.aws/v1',
    moreRoots: ['/anthropic/v1'],
    auth: signed('bedrock-mantle'),
    endpoints: [...under(['/v1'], [CHAT, RESPONSES]), ...under(['/anthropic/v1'], [MESSAGES])],
    defaultHeaders: [['anthropic-version', '2023-06-01']],
    passHeaders: ['anthropic-version', 'anthropic-beta'],
    needsIncludeUsage: true,
    adminPaths: ['GET /v1/responses/{id}', 'ANY /v1/files*', 'ANY /v1/batches*'],
    homepage: 'https://aws.amazon.com/bedrock',
    sources: [
      'vercel/ai:packages/amazon-bedrock/src/mantle/bedrock-mantle-provider.ts',
      'BerriAI/litellm-docs:docs/providers/bedrock_mantle.md',
      "find_string:service: 'bedrock-mantle'",
    ],
  },
  {
    ...AWS,
    ...BEDROCK_KEY,
    id: 'amazon-bedrock-agent-runtime',
    name: 'Amazon Bedrock (rerank)',
    base: 'https://bedrock-agent-runtime.{region}.amazonaws.com',
    auth: signed('bedrock'),
    endpoints: [
      jsonRow('/rerank', [
        member('rerankingConfiguration', 'bedrockRerankingConfiguration', 'modelConfiguration', 'modelArn'),
      ]),
    ],
    adminPaths: ['ANY /knowledgebases*', 'ANY /agents*', 'ANY /flows*', 'ANY /sessions*'],
    homepage: 'https://aws.amazon.com/bedrock',
    sources: BEDROCK_SOURCES,
  },
  {
    ...AWS,
    id: 'anthropic-aws',
    name: 'Anthropic on AWS',
    base: 'https://aws-external-anthropic.{region}.api.aws/v1',
    // the workspace is the token's to name, never the caller's
    vars: { ...REGION, workspace: '[A-Za-z0-9_-]{1,64}' },
    setHeaders: [['anthropic-workspace-id', '{workspace}']],
    auth: signed('aws-external-anthropic'),
    otherCredentials: [{ fields: ['key'], auth: keyHeader('x-api-key') }],
    endpoints: [MESSAGES, ...assumed({ ...MESSAGES, path: '/messages/count_tokens', capGroups: [] })],
    defaultHeaders: [['anthropic-version', '2023-06-01']],
    passHeaders: ['anthropic-version', 'anthropic-beta'],
    passQuery: ['beta'],
    adminPaths: ['ANY /v1/organizations/*', 'ANY /v1/messages/batches*', 'ANY /v1/files*'],
    homepage: 'https://aws.amazon.com',
    sources: [
      'vercel/ai:packages/anthropic-aws/src/anthropic-aws-provider.ts',
      'find_string:aws-external-anthropic',
    ],
  },
  {
    ...AWS,
    id: 'aws-sagemaker',
    name: 'Amazon SageMaker Runtime',
    aliases: ['sagemaker'],
    base: 'https://runtime.sagemaker.{region}.amazonaws.com',
    auth: signed('sagemaker'),
    endpoints: [
      anyRow('/endpoints/{model}/invocations', PATH_MODEL),
      ...assumed(
        anyRow('/endpoints/{model}/invocations-response-stream', PATH_MODEL, { stream: 'aws-eventstream' }),
      ),
    ],
    // without target-model, target-variant and inference-component, which choose another model than the path's
    passHeaders: ['x-amzn-sagemaker-custom-attributes', 'x-amzn-sagemaker-inference-id'],
    adminPaths: ['POST /endpoints/{model}/async-invocations'],
    homepage: 'https://aws.amazon.com/sagemaker',
    sources: [
      'Portkey-AI/gateway:src/providers/sagemaker/api.ts',
      'BerriAI/litellm-docs:docs/providers/aws_sagemaker.md',
    ],
  },
  {
    ...AWS,
    id: 'aws-polly',
    name: 'Amazon Polly',
    aliases: ['polly'],
    base: 'https://polly.{region}.amazonaws.com/v1',
    auth: signed('polly'),
    endpoints: [jsonRow('/speech', [member('Engine')], BINARY), listRow('/voices')],
    passQuery: ['Engine', 'LanguageCode', 'IncludeAdditionalLanguageCodes', 'NextToken'],
    adminPaths: ['ANY /v1/lexicons*', 'ANY /v1/synthesisTasks*'],
    homepage: 'https://aws.amazon.com/polly',
    sources: ['BerriAI/litellm-docs:docs/providers/aws_polly.md'],
  },
  {
    ...AWS,
    id: 'aws-comprehend',
    name: 'Amazon Comprehend',
    aliases: ['comprehend'],
    base: 'https://comprehend.{region}.amazonaws.com',
    // one path for all verbs: the token names one of those that only compute
    vars: {
      ...REGION,
      operation:
        'Detect(?:DominantLanguage|Entities|KeyPhrases|PiiEntities|Sentiment|Syntax|TargetedSentiment)',
    },
    setHeaders: [['x-amz-target', 'Comprehend_20171127.{operation}']],
    auth: signed('comprehend'),
    endpoints: assumed(jsonRow('/', [])),
    homepage: 'https://aws.amazon.com/comprehend',
    enabled: false,
    sources: ['docs.aws.amazon.com/comprehend: general knowledge, no source read'],
  },
]);
