/**
 * Beginnings of API keys by provider. Data only, from what vendors and secret scanners publish (gitleaks/gitleaks:config/gitleaks.toml;
 * developers.cloudflare.com/fundamentals/api/get-started/token-formats). OpenRouter's provisioning keys and Hugging Face's write tokens
 * look like any other of theirs and cannot be told.
 */

/** One kind of key. */
export interface KeyForm {
  /** What every such key begins with; public. */
  readonly prefix: string;
  /** What follows; absent: anything. */
  readonly rest?: RegExp;
  /** Providers that take it, by their ids in the registry; the likeliest first. */
  readonly of: readonly string[];
  /** Whose it is, for people. */
  readonly house: string;
  /** What it is, for people, with its article. */
  readonly what: string;
  /** `refused`: never sealed. `broad`: sealed with a warning. Absent: an ordinary key. */
  readonly verdict?: 'refused' | 'broad';
  /** What to take instead of one that is refused or broad. */
  readonly fix?: string;
  /** The part of a pair that it is; absent: a whole key. */
  readonly field?: 'access_key_id' | 'secret_id';
  /** True where other keys could begin so too: tells nothing about other providers. */
  readonly loose?: boolean;
}

const BEDROCK = ['amazon-bedrock', 'amazon-bedrock-mantle', 'amazon-bedrock-agent-runtime'];
const AWS = [...BEDROCK, 'aws-sagemaker', 'aws-comprehend', 'aws-polly', 'anthropic-aws'];
const GOOGLE = ['google', 'google-vertex-express', 'google-vertex', 'google-cloud-language', 'dialogflow'];
const CLOUDFLARE = ['cloudflare-workers-ai', 'cloudflare-ai-gateway'];
const SCOPED = 'make an API token with Workers AI permissions alone';
const FINE_GRAINED = 'make a fine-grained token with the models permission alone';

function ordinary(prefix: string, house: string, ...of: readonly string[]): KeyForm {
  return { prefix, of, house, what: 'a key' };
}

/** Every form. No two begin alike unless one says more of what follows; the longest that fits counts. */
export const KEY_FORMS: readonly KeyForm[] = [
  {
    prefix: 'sk-admin-',
    of: ['openai'],
    house: 'OpenAI',
    what: 'an organisation admin key',
    verdict: 'refused',
    fix: 'make a project key (sk-proj-…) for model calls',
  },
  ordinary('sk-proj-', 'OpenAI', 'openai'),
  ordinary('sk-svcacct-', 'OpenAI', 'openai'),
  {
    prefix: 'sk-ant-admin',
    of: ['anthropic', 'anthropic-aws'],
    house: 'Anthropic',
    what: 'an organisation admin key',
    verdict: 'refused',
    fix: 'make an API key (sk-ant-api…) in a workspace',
  },
  ordinary('sk-ant-', 'Anthropic', 'anthropic', 'anthropic-aws'),
  ordinary('sk-or-', 'OpenRouter', 'openrouter'),
  ordinary('sk-helicone-', 'Helicone', 'helicone'),
  ordinary('sk-kimi-', 'Kimi', 'kimi-for-coding'),
  ordinary('sk-sp-', 'Alibaba’s coding plan', 'alibaba-coding-plan'),
  ordinary('sk_car_', 'Cartesia', 'cartesia'),
  ordinary('gsk_', 'Groq', 'groq'),
  ordinary('csk-', 'Cerebras', 'cerebras'),
  ordinary('xai-', 'xAI', 'xai'),
  ordinary('pplx-', 'Perplexity', 'perplexity'),
  ordinary('nvapi-', 'NVIDIA', 'nvidia'),
  ordinary('hf_', 'Hugging Face', 'huggingface'),
  ordinary('api_org_', 'Hugging Face', 'huggingface'),
  ordinary('r8_', 'Replicate', 'replicate'),
  ordinary('tgp_v1_', 'Together AI', 'togetherai'),
  ordinary('jina_', 'Jina AI', 'jina'),
  ordinary('luma-', 'Luma AI', 'luma'),
  ordinary('vck_', 'Vercel', 'vercel'),
  ordinary('flp_', 'Friendli', 'friendli'),
  ordinary('cpk_', 'Chutes', 'chutes'),
  ordinary('syn_', 'Synthetic', 'synthetic'),
  ordinary('msy_', 'Meshy', 'meshy'),
  ordinary('tsk_', 'Tripo', 'tripo3d'),
  ordinary('bce-v3/', 'Baidu', 'baidu-qianfan'),
  ordinary('LLM|', 'Meta', 'llama'),
  ordinary('VF.DM.', 'Voiceflow', 'voiceflow'),
  { ...ordinary('AQVN', 'Yandex Cloud', 'yandex-cloud'), rest: /^[A-Za-z0-9_-]{16,}$/ },
  { ...ordinary('AIza', 'Google', ...GOOGLE), rest: /^[A-Za-z0-9_-]{16,}$/ },
  { ...ordinary('AQ.', 'Google', ...GOOGLE), rest: /^[A-Za-z0-9_-]{16,}$/ },
  { ...ordinary('ABSK', 'Amazon Bedrock', ...BEDROCK), rest: /^[A-Za-z0-9+/]{16,}=*$/ },
  ordinary('bedrock-api-key-', 'Amazon Bedrock', ...BEDROCK),
  ...['AKIA', 'ASIA'].map(
    (prefix): KeyForm => ({
      prefix,
      rest: /^[A-Z0-9]{12,}$/,
      of: AWS,
      house: 'AWS',
      what: 'an access key id',
      field: 'access_key_id',
    }),
  ),
  {
    prefix: 'AKID',
    rest: /^[A-Za-z0-9]{20,}$/,
    of: ['tencent-hunyuan-legacy'],
    house: 'Tencent Cloud',
    what: 'a secret id',
    field: 'secret_id',
  },
  {
    prefix: 'dataset-',
    of: ['dify'],
    house: 'Dify',
    what: 'a knowledge base key',
    verdict: 'refused',
    fix: 'give the key of one app (app-…)',
    loose: true,
  },
  { ...ordinary('app-', 'Dify', 'dify'), loose: true },
  {
    prefix: 'dapi',
    rest: /^[0-9a-f]{16,}(?:-\d+)?$/,
    of: ['databricks'],
    house: 'Databricks',
    what: 'a personal access token',
    verdict: 'broad',
    fix: 'take the token of a service principal that may query serving endpoints alone',
  },
  {
    prefix: 'cfk_',
    of: CLOUDFLARE,
    house: 'Cloudflare',
    what: 'the global key',
    verdict: 'broad',
    fix: SCOPED,
  },
  {
    // the older form of the global key
    prefix: '',
    rest: /^[0-9a-f]{37}$/,
    of: CLOUDFLARE,
    house: 'Cloudflare',
    what: 'the global key',
    verdict: 'broad',
    fix: SCOPED,
    loose: true,
  },
  ordinary('cfut_', 'Cloudflare', ...CLOUDFLARE),
  ordinary('cfat_', 'Cloudflare', ...CLOUDFLARE),
  {
    prefix: 'dop_v1_',
    of: ['digitalocean'],
    house: 'DigitalOcean',
    what: 'a personal access token',
    verdict: 'broad',
    fix: 'make a model access key (sk-do-…)',
  },
  ordinary('sk-do-', 'DigitalOcean', 'digitalocean'),
  {
    prefix: 'ghp_',
    of: ['github-models'],
    house: 'GitHub',
    what: 'a classic personal access token',
    verdict: 'broad',
    fix: FINE_GRAINED,
  },
  ...['gho_', 'ghu_', 'ghs_', 'github_pat_'].map((prefix) => ordinary(prefix, 'GitHub', 'github-models')),
];

/** Providers whose keys have no beginning of their own, but a form that none of the above has: a key of another house is a mistake there. */
export const CLOSED_HOUSES: readonly string[] = [
  'azure',
  'mistral',
  'cohere',
  'deepseek',
  'moonshotai',
  'moonshotai-cn',
  'alibaba',
  'alibaba-cn',
  'tencent-hunyuan',
  'siliconflow',
  'siliconflow-cn',
  'baichuan',
  'zhipuai',
  'volcengine-ark',
  'scaleway',
  'clarifai',
  'assemblyai',
  'deepgram',
  'elevenlabs',
  'stability-ai',
  'fal',
  'deepl',
  'wolfram-alpha',
  'wit-ai',
  'fireworks-ai',
  'voyage',
  'upstage',
];

/** Providers every credential of which opens more than model calls, whatever it looks like. */
export const BROAD_ACCOUNTS: Readonly<Record<string, { readonly reason: string; readonly fix: string }>> = {
  'snowflake-cortex': {
    reason: 'is of Snowflake, where the same token runs SQL',
    fix: 'bind it to a role that has the Cortex privilege alone',
  },
};

/** Other names of providers above, as the relay's registry has them: whoever mints does not know the registry. */
export const OTHER_NAMES: Readonly<Record<string, string>> = {
  gemini: 'google',
  googleai: 'google',
  vertex: 'google-vertex',
  'vertex-ai': 'google-vertex',
  'vertex-express': 'google-vertex-express',
  bedrock: 'amazon-bedrock',
  'aws-bedrock': 'amazon-bedrock',
  'bedrock-mantle': 'amazon-bedrock-mantle',
  sagemaker: 'aws-sagemaker',
  polly: 'aws-polly',
  comprehend: 'aws-comprehend',
  together: 'togetherai',
  fireworks: 'fireworks-ai',
  hf: 'huggingface',
  github: 'github-models',
  'ai-gateway': 'vercel',
  grok: 'xai',
  perplexityai: 'perplexity',
  qianfan: 'baidu-qianfan',
  baidu: 'baidu-qianfan',
  hunyuan: 'tencent-hunyuan',
  tencent: 'tencent-hunyuan',
  moonshot: 'moonshotai',
  zhipu: 'zhipuai',
  bigmodel: 'zhipuai',
  ark: 'volcengine-ark',
  doubao: 'volcengine-ark',
  stability: 'stability-ai',
  snowflake: 'snowflake-cortex',
  'workers-ai': 'cloudflare-workers-ai',
  yandexgpt: 'yandex-cloud',
};

/** Gateways that may be given another provider's key: nothing is a stranger there. */
export const PASSES_OTHERS: readonly string[] = ['cloudflare-ai-gateway', 'helicone'];
