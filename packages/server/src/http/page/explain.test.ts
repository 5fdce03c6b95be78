import { expect, it } from 'vitest';
import { ERRORS } from '../../errors.ts';
import { explainError } from './explain.ts';

const apiError = (status: number, code: string, headers: Record<string, string> = {}) => ({
  status,
  code,
  message: `${status} raw words`,
  headers: new Headers(headers),
});

it.each(['calls_exhausted', 'token_expired', 'token_invalid', 'token_revoked', 'relay_restarted'] as const)(
  '%s is explained, and says that the URL is over',
  (code) => {
    const trouble = explainError(apiError(ERRORS[code].status, code));
    expect(trouble).toMatchObject({ over: true, code: `${ERRORS[code].status} ${code}` });
    expect(trouble.title).not.toContain('raw words');
    expect(trouble.advice).not.toBe('');
  },
);

it.each([
  'model_denied',
  'origin_denied',
  'rate_limited',
  'concurrency_limited',
  'request_too_large',
] as const)('%s is explained, and the URL goes on', (code) => {
  expect(explainError(apiError(ERRORS[code].status, code))).toMatchObject({ over: false });
});

it('a wait is named when the relay names one', () => {
  expect(explainError(apiError(429, 'rate_limited', { 'retry-after': '12' })).advice).toBe(
    'Try again in 12 s.',
  );
});

it('an error without words of its own keeps those of the relay', () => {
  expect(explainError(apiError(502, 'upstream_invalid')).title).toBe('502 raw words');
});

it.each([new TypeError('Failed to fetch'), null, 'x', { message: 'Connection error.' }])(
  'no answer at all is explained too: %s',
  (error) => expect(explainError(error)).toMatchObject({ title: 'The relay does not answer.', code: '' }),
);
