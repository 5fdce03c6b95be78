/**
 * What secrets look like, and where they turn up in lines: provider key formats, places around them, and texts that must stay readable.
 * Formats come from the providers' own pages and from the rule list of gitleaks (MIT) as facts; every sample is made up here, piece by
 * piece, so that no text of this repository looks like a key.
 */

/** A provider's key: what it begins with, then so many characters of an alphabet. */
export interface KeyFormat {
  readonly provider: string;
  readonly begins: string;
  readonly alphabet: 'hex' | 'alnum' | 'upper' | 'base64url' | 'base64';
  readonly length: number;
  readonly ends?: string;
  /** Where the format is told: the vendor's page, or gitleaks' rule. */
  readonly source: 'vendor' | 'gitleaks';
}

const row = (
  provider: string,
  begins: string,
  alphabet: KeyFormat['alphabet'],
  length: number,
  source: KeyFormat['source'] = 'vendor',
  ends?: string,
): KeyFormat => ({ provider, begins, alphabet, length, source, ...(ends !== undefined && { ends }) });

/** Formats that are known by themselves. */
export const KEY_FORMATS: readonly KeyFormat[] = [
  row('OpenAI, project', 'sk-proj-', 'base64url', 120),
  row('OpenAI, service account', 'sk-svcacct-', 'base64url', 120),
  row('OpenAI, of old', 'sk-', 'alnum', 48, 'gitleaks'),
  row('OpenAI, admin', 'sk-admin-', 'base64url', 120),
  row('OpenAI, realtime', 'ek_sk-', 'alnum', 40),
  row('Anthropic', 'sk-ant-api03-', 'base64url', 93, 'gitleaks'),
  row('Anthropic, admin', 'sk-ant-admin01-', 'base64url', 93, 'gitleaks'),
  row('Google', 'AIza', 'base64url', 35, 'gitleaks'),
  row('Google, express', 'AQ.', 'base64url', 50),
  row('Google, access token', 'ya29.', 'base64url', 120),
  row('DeepSeek', 'sk-', 'hex', 32),
  row('Alibaba, coding plan', 'sk-sp-', 'alnum', 32),
  row('Kimi', 'sk-kimi-', 'alnum', 48),
  row('OpenRouter', 'sk-or-v1-', 'hex', 64),
  row('Stability', 'sk-', 'alnum', 48),
  row('Helicone', 'sk-helicone-', 'alnum', 32),
  row('DigitalOcean model', 'sk-do-', 'alnum', 48),
  row('ElevenLabs', 'sk_', 'hex', 48),
  row('Cartesia', 'sk_car_', 'alnum', 22),
  row('Novita', 'sk_', 'alnum', 43),
  row('Groq', 'gsk_', 'alnum', 52),
  row('xAI', 'xai-', 'alnum', 80),
  row('Cerebras', 'csk-', 'alnum', 48),
  row('Hugging Face', 'hf_', 'alnum', 34, 'gitleaks'),
  row('Hugging Face, organisation', 'api_org_', 'alnum', 34, 'gitleaks'),
  row('Replicate', 'r8_', 'alnum', 37),
  row('Perplexity', 'pplx-', 'alnum', 48, 'gitleaks'),
  row('NVIDIA', 'nvapi-', 'base64url', 64),
  row('Together', 'tgp_v1_', 'base64url', 43),
  row('Fireworks', 'fw_', 'alnum', 24),
  row('AWS access key', 'AKIA', 'upper', 16, 'gitleaks'),
  row('AWS temporary access key', 'ASIA', 'upper', 16, 'gitleaks'),
  row('Bedrock', 'ABSK', 'base64', 128, 'gitleaks'),
  row('Bedrock, short', 'bedrock-api-key-', 'base64url', 120, 'gitleaks'),
  row('Baidu Qianfan', 'bce-v3/ALTAK-', 'alnum', 21, 'vendor', '/0123456789abcdef0123456789abcdef01234567'),
  row('Tencent', 'AKID', 'alnum', 32),
  row('Databricks', 'dapi', 'hex', 32, 'gitleaks'),
  row('GitHub', 'ghp_', 'alnum', 36, 'gitleaks'),
  row('GitHub, fine-grained', 'github_pat_', 'alnum', 82, 'gitleaks'),
  row('Vercel', 'vck_', 'alnum', 48),
  row('Yandex', 'AQVN', 'base64url', 36, 'gitleaks'),
  row('Jina', 'jina_', 'base64url', 60),
  row('Voyage', 'pa-', 'alnum', 43),
  row('Nomic', 'nk-', 'alnum', 43),
  row('Coze', 'pat_', 'alnum', 64),
  row('Dify', 'app-', 'alnum', 24),
  row('Llama', 'LLM|1234567890123456|', 'alnum', 27),
  row('Zhipu', '0123456789abcdef0123456789abcdef.', 'alnum', 16),
  row('fal', '01234567-89ab-cdef-0123-456789abcdef:', 'hex', 32),
  row('DeepL, free', '01234567-89ab-cdef-0123-456789abcdef:fx', 'hex', 0),
  row('ModelScope', 'ms-01234567-89ab-cdef-0123-456789abcdef', 'hex', 0),
  row('Voiceflow', 'VF.DM.', 'alnum', 40),
  row('Tavily', 'tvly-', 'alnum', 32),
  row('Runway', 'key_', 'hex', 128),
  row('Luma', 'luma-', 'alnum', 40),
];

const ALPHABETS = {
  hex: '7f0e3a9c51d28b64',
  alnum: 'q7Wm3Zr9Tb1Kx5Vd8Ls2Nf6Hc4Jg0Py',
  upper: 'Q7WM3ZR6TB2KX5VD',
  base64url: 'q7Wm-3Zr9_Tb1Kx5Vd8Ls2Nf6Hc4Jg0Py',
  base64: 'q7Wm+3Zr9/Tb1Kx5Vd8Ls2Nf6Hc4Jg0Py',
} as const;

/** A made-up key of a format. */
export function sampleKey({ begins, alphabet, length, ends = '' }: KeyFormat): string {
  const letters = ALPHABETS[alphabet];
  return `${begins}${letters.repeat(Math.ceil(length / letters.length)).slice(0, length)}${ends}`;
}

/** What of a sample must never be seen: its second half, without what every key of the kind has. */
export function tellingPart(format: KeyFormat): string {
  const key = sampleKey(format);
  return key.slice(Math.max(Math.floor(key.length / 2), key.length - 24));
}

/** Lines of many kinds with a secret in them. Written by libraries, proxies, shells and people. */
export const PLACES: ReadonlyArray<readonly [what: string, line: (secret: string) => string]> = [
  ['alone', (s) => s],
  ['in a sentence', (s) => `Incorrect API key provided: ${s}. You can find your API key at https://h/`],
  ['quoted', (s) => `invalid value "${s}" for header`],
  ['in JSON', (s) => JSON.stringify({ level: 50, err: { config: { headers: { 'x-api-key': s } } } })],
  ['in JSON in JSON', (s) => JSON.stringify({ msg: JSON.stringify({ apiKey: s }) })],
  ['in JSON three deep', (s) => JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ key: s }) }) })],
  ['after an escaped line break', (s) => JSON.stringify({ msg: `first\n${s}\nthird` })],
  ['after an escaped tab', (s) => JSON.stringify({ msg: `first\t${s}` })],
  ['after a colour', (s) => `\u001b[31m${s}\u001b[0m`],
  ['after a colour in JSON', (s) => JSON.stringify({ msg: `\u001b[31m${s}` })],
  ['bearer header', (s) => `authorization: Bearer ${s}`],
  ['raw header list', (s) => `[ 'host', 'h', 'authorization', 'Bearer ${s}', 'accept', '*/*' ]`],
  ['raw header list, own header', (s) => `[ 'x-api-key', '${s}' ]`],
  ['curl line', (s) => `curl -H 'Authorization: Bearer ${s}' -H "x-api-key: ${s}" https://h/v1`],
  ['query', (s) => `GET /v1beta/models?alt=sse&key=${s} HTTP/1.1`],
  ['encoded in a query', (s) => `/login?next=%2Fv1%3Fkey%3D${s}%26x%3D1`],
  ['after an encoded quote', (s) => `/x?json=%7B%22a%22:%22${s}%22%7D`],
  ['path', (s) => `upstream GET https://h/v1/${s}/chat failed`],
  ['environment', (s) => `OPENAI_API_KEY=${s} node server.js`],
  ['shell export', (s) => `export KEY='${s}'`],
  ['yaml', (s) => `  api_key: ${s}`],
  ['stack', (s) => `Error: 401 ${s}\n    at Client.call (file:///app/x.js:1:2)`],
  ['inspected error', (s) => `Error: x {\n  [cause]: Error: key ${s}\n      at f (x.js:1:1)\n}`],
  ['comma list', (s) => `keys=${s},${s}`],
  ['brackets', (s) => `(${s}) [${s}] {${s}} <${s}>`],
  ['subprotocol', (s) => `sec-websocket-protocol: realtime, openai-insecure-api-key.${s}`],
];

/** Secrets that what stands around them gives away. `{}` is the secret. */
export const NAMED_LINES: readonly string[] = [
  'authorization: Bearer {}',
  'Authorization: Bearer;{}',
  'authorization=Bearer%20{}',
  'authorization: Token {}',
  'authorization: Key {}',
  'authorization: Api-Key {}',
  'authorization: Basic {}',
  'Authorization: DeepL-Auth-Key {}',
  'authorization: {}',
  'x-api-key: {}',
  'xi-api-key: {}',
  'x-goog-api-key: {}',
  'x-key: {}',
  'Ocp-Apim-Subscription-Key: {}',
  'api-subscription-key: {}',
  'MISTRAL_API_KEY={}',
  'AWS_SECRET_ACCESS_KEY={}',
  'client_secret={}&grant_type=client_credentials',
  '{"client_secret": "{}"}',
  '{"access_token":"{}","expires_in":3600}',
  '{"refresh_token":"{}"}',
  '{"private_key":"{}"}',
  '{"aes_key":"{}","aes_iv_seed":"{}"}',
  '{\\"password\\":\\"{}\\"}',
  'password={} dbname=x',
  'redis://user:{}@cache:6379/0',
  'rediss://:{}@cache:6379/0',
  'https://user:{}@proxy.example:3128',
  'wss://h/v1/listen?token={}',
  'GET /v2/?appid={}&i=1',
  'sec-websocket-protocol: api-subscription-key.{}',
  'admin_secret={}',
];

/** Texts that an operator must be able to read: nothing in them is a secret. */
export const READABLE: readonly string[] = [
  'the key material is missing, token exchange failed',
  'connect ECONNREFUSED 127.0.0.1:8840',
  'POST /v1/chat/completions 200 in 12 ms',
  'token k7Qx2a:aB3dE5fG of issuer shop refused',
  '{"token":"k7Qx2a:aB3dE5fG","issuer":"shop","sub":"user-4711"}',
  'keys k7Qx2a, v1-2s-J3e1LJi, r9Kd3f',
  '{"kid":"v1-2s-J3e1LJi","status":"accept","until":1798000000}',
  '/relayapi/[token]/v1/chat/completions',
  '550e8400-e29b-41d4-a716-446655440000',
  'x-request-id: req_011CTq7Wm3Zr9Tb1Kx5Vd8Ls',
  'request-id: chatcmpl-Bq7Wm3Zr9Tb1Kx5Vd8Ls2Nf6Hc4Jg',
  'cf-ray: 8f1c2d3e4f5a6b7c-FRA',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'commit 2f545a8e0c9b1d3f5a7c9e1b3d5f7a9c1e3b5d7f',
  'etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
  'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'model gpt-4o-mini-2024-07-18, claude-3-5-sonnet-20241022, pplx-70b-online, gemini-1.5-pro-002',
  'model @cf/meta/llama-3.1-8b-instruct, hf_hub_download, accounts/fireworks/models/llama-v3p1-405b-instruct',
  'model anthropic.claude-3-5-sonnet-20241022-v2:0 in eu-central-1',
  'api-free.deepl.com, my-resource-name-in-europe.openai.azure.com.example.org',
  'ec2-203-0-113-25.compute-1.amazonaws.com.example.internal',
  'my-very-long-service-name.production.svc.cluster.local.example',
  'io.opentelemetry.instrumentation.http.client.internal.Something',
  '[2001:db8:85a3::8a2e:370:7334]:443, fe80::1%eth0',
  '    at Parser.execute (file:///app/node_modules/undici/lib/dispatcher/client-h1.js:325:28)',
  'at async Promise.all (index 0) | at processTicksAndRejections (node:internal/process/task_queues:105:5)',
  'x-stainless-runtime-version: v24.1.0, user-agent: OpenAI/JS 5.1.0',
  'authorization missing; key refused; secret names: 3; password policy unchanged',
  'token expired, token invalid, Token bucket empty, bearer of bad news',
  'config.json $.vault.main.key_env: names the variable OPENAI_API_KEY, which is not set or empty',
  'admin.secret_env, upstream.allow_private, server.port',
  'data:image/png;base64 was dropped; 12 kB of base64 not logged',
  'https://relay.example.com/relayapi/-/v1/models?limit=20&after=model-20',
  '2026-11-20T18:00:00.000Z 203.0.113.7 "POST /relayapi/-/v1/responses HTTP/2.0" 200 5123 "-" "curl/8.9"',
  'desk-lamp, task_runner_1, disk-usage-report-2026, risk_assessment_20261120_final_version',
  'locale sk-SK, sk_SK.UTF-8, key_ops, up_time, app-config, pa-system, fw_version',
  '{"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46}}',
  'secret: [secret], key: [redacted], url: https://user:[redacted]@h/',
];
