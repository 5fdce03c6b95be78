/** What an answer says it used, in the provider's own units. Integers; absent means "not said". */
export interface Usage {
  /** Tokens in the prompt, cached ones included (OpenTelemetry `gen_ai.usage.input_tokens`). */
  readonly inputTokens?: number;
  /** Tokens in the answer, reasoning included (`gen_ai.usage.output_tokens`). */
  readonly outputTokens?: number;
  /** Part of the input read from the provider's cache. */
  readonly cachedInputTokens?: number;
  /** Part of the input written to the provider's cache. */
  readonly cacheWriteTokens?: number;
  /** Part of the output spent on reasoning. */
  readonly reasoningTokens?: number;
}
