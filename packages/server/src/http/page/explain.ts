/** Says in a sentence or two what an error of the relay means for the person at the try-it page. */

/** What went wrong. */
export interface Trouble {
  /** The short of it. */
  readonly title: string;
  /** What to do about it. */
  readonly advice: string;
  /** `402 calls_exhausted`, for those who look it up; empty when there was no answer. */
  readonly code: string;
  /** True when this URL will never work again. */
  readonly over: boolean;
}

const WORDS: Readonly<Record<string, readonly [title: string, advice: string, over?: boolean]>> = {
  calls_exhausted: [
    'All calls of this URL are used up.',
    'The relay stopped it, not the page. Get another URL to go on.',
    true,
  ],
  attempts_exhausted: ['All attempts of this URL are used up.', 'Get another URL to go on.', true],
  budget_exhausted: ['The budget of this URL is used up.', 'Get another URL to go on.', true],
  token_expired: [
    'This URL has expired.',
    'Its lifetime was sealed into it. Get another URL to go on.',
    true,
  ],
  relay_restarted: ['The relay was restarted and lost its counters.', 'Get another URL to go on.', true],
  token_invalid: [
    'The relay does not know this URL.',
    'It may have been restarted with other keys. Get another URL.',
    true,
  ],
  token_revoked: ['This URL has been revoked.', 'Get another URL to go on.', true],
  model_denied: [
    'This URL does not allow that model.',
    'Choose the model you sealed in, or get a URL for any model.',
  ],
  origin_denied: ['This URL may not be used from this page.', 'It was sealed for another origin.'],
  rate_limited: ['Too many requests for this URL.', 'Its rate limit holds in any window. Wait a little.'],
  concurrency_limited: ['Another answer is still running.', 'Wait for it to end.'],
  request_too_large: ['The message is too long.', 'Write less.'],
  upstream_unreachable: ['The demo provider cannot be reached.', 'Is the relay still running?'],
  draining: ['The relay is shutting down.', 'Start it again.'],
};

interface ApiError {
  readonly status?: number;
  readonly code?: string | null;
  readonly message?: string;
  readonly headers?: { get(name: string): string | null };
}

/** Explains what the OpenAI SDK threw, or what a fetch threw. */
export function explainError(error: unknown): Trouble {
  const { status, code, message, headers } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as ApiError;
  if (status === undefined) {
    return {
      title: 'The relay does not answer.',
      advice: 'The connection failed or was broken off. Is it still running?',
      code: '',
      over: false,
    };
  }
  const known = code ? WORDS[code] : undefined;
  const wait = Number(headers?.get('retry-after') ?? Number.NaN);
  const advice = Number.isFinite(wait) && known && !known[2] ? `Try again in ${wait} s.` : known?.[1];
  return {
    title: known?.[0] ?? message ?? 'The relay refused the request.',
    advice: advice ?? '',
    code: `${status} ${code ?? ''}`.trim(),
    over: known?.[2] ?? false,
  };
}
