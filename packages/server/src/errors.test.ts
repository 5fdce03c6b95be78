/** The error table: complete, consistent, and the same as docs/errors.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deny, ERRORS, type ErrorCode, type ErrorRow, isDenial } from './errors.ts';

const rows = Object.entries(ERRORS) as [ErrorCode, ErrorRow][];

describe('the table', () => {
  test('statuses and codes are those that were promised', () => {
    const byStatus: Record<number, string[]> = {};
    for (const [code, { status }] of rows) byStatus[status] = [...(byStatus[status] ?? []), code];
    expect(byStatus).toEqual({
      400: [
        'nonce_missing',
        'token_unsupported',
        'provider_unknown',
        'bad_target',
        'bad_framing',
        'bad_body',
        'bad_credentials',
        'loop_detected',
      ],
      401: ['token_missing', 'token_invalid', 'token_expired', 'token_not_yet_valid', 'relay_restarted'],
      402: ['calls_exhausted', 'attempts_exhausted', 'budget_exhausted'],
      403: [
        'claim_not_allowed',
        'ip_denied',
        'origin_denied',
        'method_denied',
        'path_denied',
        'model_denied',
        'feature_denied',
        'destination_denied',
        'token_revoked',
        'nonce_replayed',
      ],
      404: ['not_found'],
      405: ['method_not_allowed'],
      408: ['request_timeout'],
      409: ['idempotency_replayed'],
      413: ['request_too_large'],
      414: ['uri_too_long'],
      415: ['unsupported_body'],
      426: ['upgrade_required'],
      429: ['rate_limited', 'concurrency_limited'],
      431: ['headers_too_large'],
      500: ['internal'],
      502: [
        'upstream_unreachable',
        'upstream_auth',
        'upstream_redirect',
        'upstream_encoding',
        'upstream_invalid',
      ],
      503: ['capacity', 'store_down', 'draining'],
      504: ['upstream_timeout'],
    });
  });

  test('messages are one sentence of words for the caller, each its own', () => {
    for (const [, { message }] of rows) expect(message).toMatch(/^[A-Z][^.]*\.$|^[A-Z].*HTTP\/1\.1.*\.$/);
    expect(new Set(rows.map(([, row]) => row.message)).size).toBe(rows.length);
  });

  test('what a retry can cure never has a status that says otherwise, and 501 is not used', () => {
    const later = rows.filter(([, row]) => row.retry === 'later').map(([, row]) => row.status);
    for (const status of later) expect([408, 429, 500, 502, 503]).toContain(status);
    expect(rows.some(([, row]) => row.status === 501)).toBe(false);
  });

  test('every 4xx has a type that SDKs know', () => {
    const known = [
      'authentication_error',
      'invalid_request_error',
      'permission_error',
      'rate_limit_error',
      'insufficient_quota',
      'request_too_large',
      'api_error',
    ];
    for (const [, row] of rows) expect(known).toContain(row.type);
  });
});

describe('docs/errors.md', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const documented = [
    ...text.matchAll(/^\| <a id="(\w+)"><\/a>`(\w+)` \| (\d+) \| (.+?) \| (yes|no) \| (.+?) \|$/gm),
  ].map(([, anchor, code, status, message, retry, meaning]) => ({
    anchor,
    code,
    status: Number(status),
    message,
    retry,
    meaning,
  }));

  test('says of each code what the table says, in its order', () => {
    const expected = rows.map(([code, row]) => ({
      anchor: code,
      code,
      status: row.status,
      message: row.message,
      retry: row.retry === 'later' ? 'yes' : 'no',
    }));
    expect(documented.map(({ meaning: _, ...rest }) => rest)).toEqual(expected);
  });

  test('says what to do', () => {
    for (const { meaning } of documented) expect(meaning?.length).toBeGreaterThan(15);
  });
});

describe('denials', () => {
  test('are values told from others', () => {
    expect(isDenial(deny('not_found'))).toBe(true);
    for (const other of [null, undefined, 'denied', 0, {}, new Uint8Array(1), []])
      expect(isDenial(other)).toBe(false);
  });

  test('carry what is added', () => {
    expect(deny('rate_limited', { retryAtMs: 5 })).toEqual({ denied: 'rate_limited', retryAtMs: 5 });
  });
});
