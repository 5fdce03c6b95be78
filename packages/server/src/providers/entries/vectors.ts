/** Vectors and ranking, small models for text, and servers for such models that have no fixed host. */
import { assumed, CHAT, EMBEDDINGS } from '../endpoints.ts';
import { anyRow, defineOwn, field, formRow, jsonRow, listRow, member, segment } from '../own-rows.ts';
import type { Provider } from '../provider.ts';

const MODEL = [member('model')];

/** By name, since two segments of any kind would open whatever else the API has. */
const NLP_TASKS = [
  'chatbot classification code-generation embeddings entities generation gs-correction image-generation',
  'intent-classification kw-kp-extraction langdetection paraphrasing question semantic-search semantic-similarity',
  'sentiment speech-synthesis summarization translation asr',
].flatMap((names) => names.split(' '));

/** The entries. A local server's is off until config says where it listens. */
export const VECTORS: readonly Provider[] = defineOwn([
  {
    id: 'nlp-cloud',
    name: 'NLP Cloud',
    base: 'https://api.nlpcloud.io/v1',
    auth: { kind: 'header', name: 'authorization', template: 'Token {key}' },
    endpoints: [
      ...assumed(
        ...NLP_TASKS.flatMap((task) => [
          jsonRow(`/gpu/{model}/${task}`, [segment('model')]),
          jsonRow(`/{model}/${task}`, [segment('model')]),
        ]),
      ),
    ],
    homepage: 'https://nlpcloud.com',
    env: 'NLP_CLOUD_API_KEY',
    sources: ['BerriAI/litellm-docs:docs/providers/nlp_cloud.md'],
  },
  {
    id: 'jina',
    name: 'Jina AI',
    base: 'https://api.jina.ai/v1',
    // r.jina.ai and s.jina.ai are left out: they fetch any page that a caller names
    endpoints: [
      EMBEDDINGS,
      ...assumed(jsonRow('/rerank', MODEL), jsonRow('/classify', MODEL), jsonRow('/segment', [])),
    ],
    adminPaths: ['ANY /v1/train*', 'ANY /v1/batch*'],
    homepage: 'https://jina.ai',
    env: 'JINA_API_KEY',
    sources: [
      'Portkey-AI/gateway:src/providers/jina/api.ts',
      'labring/aiproxy:core/relay/adaptor/jina/adaptor.go',
    ],
  },
  {
    id: 'jina-deepsearch',
    name: 'Jina AI DeepSearch',
    base: 'https://deepsearch.jina.ai/v1',
    endpoints: [CHAT],
    homepage: 'https://jina.ai',
    env: 'JINA_API_KEY',
    sources: ['labring/aiproxy:core/relay/adaptor/jina/adaptor.go'],
  },
  {
    id: 'voyage',
    name: 'Voyage AI',
    aliases: ['voyageai'],
    base: 'https://api.voyageai.com/v1',
    endpoints: [
      EMBEDDINGS,
      jsonRow('/rerank', MODEL),
      ...assumed(jsonRow('/multimodalembeddings', MODEL)),
      ...assumed(jsonRow('/contextualizedembeddings', MODEL)),
    ],
    adminPaths: ['ANY /v1/files*', 'ANY /v1/batches*'],
    homepage: 'https://www.voyageai.com',
    env: 'VOYAGE_API_KEY',
    sources: [
      'Portkey-AI/gateway:src/providers/voyage/api.ts',
      'vercel/ai:packages/voyage/src/voyage-provider.ts',
    ],
  },
  {
    id: 'nomic',
    name: 'Nomic Atlas',
    base: 'https://api-atlas.nomic.ai/v1',
    endpoints: [jsonRow('/embedding/text', MODEL), ...assumed(formRow('/embedding/image', [field('model')]))],
    homepage: 'https://atlas.nomic.ai',
    env: 'NOMIC_API_KEY',
    sources: [
      'Portkey-AI/gateway:src/providers/nomic/api.ts',
      'find_string:api-atlas.nomic.ai/v1/embedding/text',
    ],
  },
  {
    id: 'tei',
    name: 'Text Embeddings Inference (Hugging Face)',
    base: 'http://localhost:8080',
    // a server runs one model
    endpoints: [
      jsonRow('/embed', []),
      jsonRow('/rerank', []),
      ...assumed(jsonRow('/predict', [])),
      ...assumed(jsonRow('/tokenize', [])),
      { ...EMBEDDINGS, path: '/v1/embeddings', models: [] },
      listRow('/info'),
    ],
    adminPaths: ['GET /metrics'],
    enabled: false,
    trusted: false,
    homepage: 'https://github.com/huggingface/text-embeddings-inference',
    env: 'TEI_API_KEY',
    sources: ['labring/aiproxy:core/relay/adaptor/text-embeddings-inference/adaptor.go'],
  },
  {
    id: 'triton',
    name: 'NVIDIA Triton Inference Server',
    base: 'http://localhost:8000/v2',
    auth: { kind: 'none' },
    endpoints: [
      jsonRow('/models/{model}/generate', [segment('model')]),
      ...assumed(jsonRow('/models/{model}/generate_stream', [segment('model')], { stream: 'sse' })),
      ...assumed(anyRow('/models/{model}/infer', [segment('model')])),
      listRow('/models/{model}'),
    ],
    adminPaths: [
      'POST /v2/repository/*',
      'ANY /v2/systemsharedmemory/*',
      'ANY /v2/cudasharedmemory/*',
      'ANY /v2/trace/*',
      'ANY /v2/logging',
    ],
    enabled: false,
    trusted: false,
    homepage: 'https://developer.nvidia.com/triton-inference-server',
    sources: [
      'Portkey-AI/gateway:src/providers/triton/api.ts',
      'BerriAI/litellm-docs:docs/providers/triton-inference-server.md',
    ],
  },
]);
