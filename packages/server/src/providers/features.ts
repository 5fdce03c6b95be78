/**
 * What a body may use beyond plain inference, per dialect: references to account objects and multipliers (token spec §5 `features`).
 * Data only; who judges it is the policy.
 */
import type { FeatureRule } from './provider.ts';

// 'auto' lets the account's own setting decide and 'default' is the plain tier: neither multiplies by the caller's choice.
const PLAIN_TIERS = { not: ['auto', 'default', 'standard', 'standard_only'] } as const;

// Tools that the caller's own program runs; everything else runs at the provider and may cost on its own.
const CLIENT_TOOLS: readonly string[] = [
  'function',
  'custom',
  'namespace',
  'local_shell',
  'apply_patch',
  'computer',
  'computer_use_preview',
];

/** Rules of OpenAI's chat completions and what copies them. */
export const CHAT_FEATURES: readonly FeatureRule[] = [
  { feature: 'file_id', at: ['messages', '**', 'file_id'], when: 'present' },
  { feature: 'audio.id', at: ['messages', '*', 'audio', 'id'], when: 'present' },
  { feature: 'service_tier', at: ['service_tier'], when: PLAIN_TIERS },
  { feature: 'n', at: ['n'], when: 'above-one' },
  { feature: 'best_of', at: ['best_of'], when: 'above-one' },
  { feature: 'hosted_tools', at: ['tools', '*', 'type'], when: { not: ['function', 'custom'] } },
  { feature: 'hosted_tools', at: ['web_search_options'], when: 'present' },
  { feature: 'hosted_tools', at: ['enable_search'], when: 'true' },
  { feature: 'store', at: ['store'], when: 'true' },
];

/** Rules of the legacy text completions. */
export const COMPLETION_FEATURES: readonly FeatureRule[] = [
  { feature: 'service_tier', at: ['service_tier'], when: PLAIN_TIERS },
  { feature: 'n', at: ['n'], when: 'above-one' },
  { feature: 'best_of', at: ['best_of'], when: 'above-one' },
];

/** Rules of endpoints whose only multiplier is `n` (images). */
export const COUNT_FEATURES: readonly FeatureRule[] = [{ feature: 'n', at: ['n'], when: 'above-one' }];

/** Rules of OpenAI's responses. */
export const RESPONSES_FEATURES: readonly FeatureRule[] = [
  { feature: 'previous_response_id', at: ['previous_response_id'], when: 'present' },
  { feature: 'conversation', at: ['conversation'], when: 'present' },
  { feature: 'prompt.id', at: ['prompt', 'id'], when: 'present' },
  { feature: 'item_reference', at: ['input', '*', 'type'], when: { is: ['item_reference'] } },
  { feature: 'file_id', at: ['input', '**', 'file_id'], when: 'present' },
  { feature: 'file_id', at: ['prompt', '**', 'file_id'], when: 'present' },
  { feature: 'file_id', at: ['tools', '*', 'input_image_mask', 'file_id'], when: 'present' },
  { feature: 'file_id', at: ['tools', '*', 'container', 'file_ids'], when: 'present' },
  { feature: 'file_id', at: ['tools', '*', 'environment', 'file_ids'], when: 'present' },
  { feature: 'vector_store_ids', at: ['tools', '*', 'vector_store_ids'], when: 'present' },
  { feature: 'container', at: ['tools', '*', 'container'], when: 'present' },
  { feature: 'container', at: ['tools', '*', 'environment', 'container_id'], when: 'present' },
  { feature: 'container', at: ['input', '**', 'container_id'], when: 'present' },
  { feature: 'skills', at: ['tools', '*', 'environment', 'skills'], when: 'present' },
  { feature: 'background', at: ['background'], when: 'true' },
  { feature: 'service_tier', at: ['service_tier'], when: PLAIN_TIERS },
  { feature: 'hosted_tools', at: ['tools', '*', 'type'], when: { not: CLIENT_TOOLS } },
  { feature: 'hosted_tools', at: ['tools', '*', 'tools', '*', 'type'], when: { not: CLIENT_TOOLS } },
  { feature: 'store', at: ['store'], when: 'true' },
];

/** Rules of Anthropic's messages. */
export const MESSAGES_FEATURES: readonly FeatureRule[] = [
  { feature: 'file_id', at: ['messages', '**', 'file_id'], when: 'present' },
  { feature: 'container', at: ['container'], when: 'present' },
  { feature: 'skills', at: ['container', 'skills'], when: 'present' },
  { feature: 'service_tier', at: ['service_tier'], when: PLAIN_TIERS },
  { feature: 'speed', at: ['speed'], when: { not: ['standard'] } },
  {
    feature: 'hosted_tools',
    at: ['tools', '*', 'type'],
    when: {
      not: [
        'custom',
        'bash_20241022',
        'bash_20250124',
        'text_editor_20241022',
        'text_editor_20250124',
        'text_editor_20250429',
        'text_editor_20250728',
        'computer_20241022',
        'computer_20250124',
        'computer_20251124',
        'memory_20250818',
      ],
    },
  },
  { feature: 'hosted_tools', at: ['mcp_servers'], when: 'present' },
];

/** Rules of Gemini. The API reads both spellings of each name, so both are listed. A `fileUri` may be a public address too. */
export const GEMINI_FEATURES: readonly FeatureRule[] = [
  ...both('cachedContent', 'cached_content').map(
    (name): FeatureRule => ({ feature: 'cachedContent', at: [name], when: 'present' }),
  ),
  ...both('fileUri', 'file_uri').map(
    (name): FeatureRule => ({ feature: 'fileUri', at: ['contents', '**', name], when: 'present' }),
  ),
  ...both('fileSearchStoreNames', 'file_search_store_names').map(
    (name): FeatureRule => ({ feature: 'fileSearchStoreNames', at: ['tools', '**', name], when: 'present' }),
  ),
  ...both('generationConfig', 'generation_config').flatMap((parent) =>
    both('candidateCount', 'candidate_count').map(
      (name): FeatureRule => ({ feature: 'n', at: [parent, name], when: 'above-one' }),
    ),
  ),
  ...[
    ...both('googleSearch', 'google_search'),
    ...both('googleSearchRetrieval', 'google_search_retrieval'),
    ...both('codeExecution', 'code_execution'),
    ...both('urlContext', 'url_context'),
    ...both('googleMaps', 'google_maps'),
    ...both('enterpriseWebSearch', 'enterprise_web_search'),
    ...both('fileSearch', 'file_search'),
    ...both('computerUse', 'computer_use'),
    ...both('mcpServers', 'mcp_servers'),
  ].map((name): FeatureRule => ({ feature: 'hosted_tools', at: ['tools', '*', name], when: 'present' })),
  ...both('serviceTier', 'service_tier').map(
    (name): FeatureRule => ({ feature: 'service_tier', at: [name], when: PLAIN_TIERS }),
  ),
];

function both(camel: string, snake: string): readonly string[] {
  return [camel, snake];
}
