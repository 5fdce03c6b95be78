/** The rows of the client matrix: which client, what of the relay it is given, and where it cannot show what others show. */
import type { ErrorCode } from '../../../src/errors.ts';

/** One client of the matrix. */
export interface Row {
  /** As the page names it. */
  readonly name: string;
  /** The package whose version the page tells, as clients/package.json names it. */
  readonly package: string;
  /** Name in the program that runs the clients. */
  readonly client: string;
  /** As the registry names it. */
  readonly provider: string;
  /** How the client is given its base URL and its key; RELAY stands for the relay's address, TOKEN for the key. */
  readonly setup: string;
  /** What else is worth knowing, for the page. */
  readonly note?: string;
  /** Why there is no streamed way. */
  readonly unstreamed?: string;
  /** Errors that this client cannot meet or cannot show, and what it shows instead. */
  readonly odd?: Readonly<Partial<Record<ErrorCode, Oddity>>>;
}

/** Where a client differs: what its exception says instead, as a part of its text, or `never`: it is not refused for that. */
export interface Oddity {
  readonly shows: string | 'never';
  readonly why: string;
}

/** The official SDKs for Node. */
export const SDKS: readonly Row[] = [
  {
    name: 'openai, chat',
    package: 'openai',
    client: 'openaiChat',
    provider: 'openai',
    setup: "new OpenAI({ baseURL: RELAY + '/v1', apiKey: TOKEN })",
  },
  {
    name: 'openai, responses',
    package: 'openai',
    client: 'openaiResponses',
    provider: 'openai',
    setup: "new OpenAI({ baseURL: RELAY + '/v1', apiKey: TOKEN })",
  },
  {
    name: '@anthropic-ai/sdk',
    package: '@anthropic-ai/sdk',
    client: 'anthropic',
    provider: 'anthropic',
    setup: 'new Anthropic({ baseURL: RELAY, apiKey: TOKEN })',
  },
  {
    name: '@google/genai 3',
    package: '@google/genai',
    client: 'google3',
    provider: 'google',
    setup: 'new GoogleGenAI({ apiKey: TOKEN, httpOptions: { baseUrl: RELAY } })',
  },
  {
    name: '@google/genai 2',
    package: '@google/genai-2',
    client: 'google2',
    provider: 'google',
    setup: 'new GoogleGenAI({ apiKey: TOKEN, httpOptions: { baseUrl: RELAY } })',
  },
  {
    name: '@mistralai/mistralai',
    package: '@mistralai/mistralai',
    client: 'mistralChat',
    provider: 'mistral',
    setup: 'new Mistral({ serverURL: RELAY, apiKey: TOKEN })',
  },
  {
    name: 'cohere-ai',
    package: 'cohere-ai',
    client: 'cohere',
    provider: 'cohere',
    setup: 'new CohereClientV2({ environment: RELAY, token: TOKEN })',
  },
  {
    name: 'groq-sdk',
    package: 'groq-sdk',
    client: 'groqChat',
    provider: 'groq',
    setup: 'new Groq({ baseURL: RELAY, apiKey: TOKEN })',
  },
  {
    name: 'together-ai',
    package: 'together-ai',
    client: 'togetherChat',
    provider: 'togetherai',
    setup: "new Together({ baseURL: RELAY + '/v1', apiKey: TOKEN })",
  },
  {
    name: 'replicate',
    package: 'replicate',
    client: 'replicate',
    provider: 'replicate',
    setup: "new Replicate({ baseUrl: RELAY + '/v1', auth: TOKEN })",
    unstreamed:
      'its streams come from further hosts, and the one provider of this run stands at a base URL, which has none: see [jobs and files](guides/jobs-and-files.md)',
    note: 'its exceptions name the whole URL: with a token in the path, the token, too',
  },
  {
    name: 'deepl-node',
    package: 'deepl-node',
    client: 'deepl',
    provider: 'deepl',
    setup: 'new DeepLClient(TOKEN, { serverUrl: RELAY })',
    unstreamed: 'the API has none',
    odd: { model_denied: { shows: 'never', why: 'its requests name no model' } },
  },
  {
    name: 'assemblyai',
    package: 'assemblyai',
    client: 'assemblyai',
    provider: 'assemblyai',
    setup: 'new AssemblyAI({ apiKey: TOKEN, baseUrl: RELAY })',
    unstreamed: 'its streams are WebSockets to another host',
  },
  {
    name: '@aws-sdk/client-bedrock-runtime',
    package: '@aws-sdk/client-bedrock-runtime',
    client: 'bedrock',
    provider: 'amazon-bedrock',
    setup:
      'AWS_BEARER_TOKEN_BEDROCK=TOKEN in the environment; new BedrockRuntimeClient({ endpoint: RELAY, region, requestHandler: new NodeHttpHandler() })',
    note: "the variable is the SDK's own way to a bearer token, and with it needs no other setting; in code the same is `token: { token: TOKEN }, authSchemePreference: ['httpBearerAuth']`. `NodeHttpHandler` speaks HTTP/1.1, the default handler HTTP/2 alone",
  },
  {
    name: 'ai with @ai-sdk/openai',
    package: '@ai-sdk/openai',
    client: 'aiOpenai',
    provider: 'openai',
    setup: "createOpenAI({ baseURL: RELAY + '/v1', apiKey: TOKEN })",
  },
  {
    name: 'ai with @ai-sdk/openai-compatible',
    package: '@ai-sdk/openai-compatible',
    client: 'aiCompatible',
    provider: 'openai',
    setup: "createOpenAICompatible({ name, baseURL: RELAY + '/v1', apiKey: TOKEN })",
  },
  {
    name: 'ai with @ai-sdk/anthropic',
    package: '@ai-sdk/anthropic',
    client: 'aiAnthropic',
    provider: 'anthropic',
    setup: "createAnthropic({ baseURL: RELAY + '/v1', apiKey: TOKEN })",
  },
  {
    name: 'ai with @ai-sdk/google',
    package: '@ai-sdk/google',
    client: 'aiGoogle',
    provider: 'google',
    setup: "createGoogleGenerativeAI({ baseURL: RELAY + '/v1beta', apiKey: TOKEN })",
  },
  {
    name: '@langchain/openai',
    package: '@langchain/openai',
    client: 'langchainOpenai',
    provider: 'openai',
    setup: "new ChatOpenAI({ apiKey: TOKEN, configuration: { baseURL: RELAY + '/v1' } })",
  },
  {
    name: '@langchain/anthropic',
    package: '@langchain/anthropic',
    client: 'langchainAnthropic',
    provider: 'anthropic',
    setup: 'new ChatAnthropic({ apiKey: TOKEN, anthropicApiUrl: RELAY })',
  },
  {
    name: '@modelcontextprotocol/sdk',
    package: '@modelcontextprotocol/sdk',
    client: 'mcp',
    provider: 'mcp',
    setup:
      "new StreamableHTTPClientTransport(new URL(RELAY + '/mcp'), { requestInit: { headers: { authorization: 'Bearer ' + TOKEN } } })",
    unstreamed: 'the answer of a tool is a stream in the plain way',
    note: 'an entry of `providers` in config names the server; only servers without sessions, for the relay does not pass `mcp-session-id` on; a 401 is told as 403, so that no sign-in begins',
  },
];

/** The Python SDKs. */
export const PYTHON_SDKS: readonly Row[] = [
  {
    name: 'openai',
    package: 'openai',
    client: 'openai',
    provider: 'openai',
    setup: "openai.OpenAI(base_url=RELAY + '/v1', api_key=TOKEN)",
  },
  {
    name: 'anthropic',
    package: 'anthropic',
    client: 'anthropic',
    provider: 'anthropic',
    setup: 'anthropic.Anthropic(base_url=RELAY, api_key=TOKEN)',
  },
  {
    name: 'google-genai',
    package: 'google-genai',
    client: 'google',
    provider: 'google',
    setup: "genai.Client(api_key=TOKEN, http_options={'base_url': RELAY})",
  },
];
