/** Refusals written as bytes: which code fits which parser error, and that what is written is one whole answer. */
import { describe, expect, test } from 'vitest';
import { parseAnswer } from '../../../test/support/raw-http.ts';
import { deny, ERRORS, type ErrorCode } from '../../errors.ts';
import { type ClientError, codeFor, formatRefusal } from './client-errors.ts';

const error = (code: string, packet?: string) =>
  Object.assign(new Error(code), {
    code,
    ...(packet !== undefined && { rawPacket: Buffer.from(packet, 'latin1') }),
  }) as ClientError;

describe('codes', () => {
  test.each([
    ['ERR_HTTP_REQUEST_TIMEOUT', undefined, 'request_timeout'],
    ['HPE_HEADER_OVERFLOW', undefined, 'headers_too_large'],
    ['HPE_HEADER_OVERFLOW', `GET /x HTTP/1.1\r\nX: ${'y'.repeat(40_000)}`, 'headers_too_large'],
    ['HPE_HEADER_OVERFLOW', `GET /${'y'.repeat(40_000)}`, 'uri_too_long'],
    ['HPE_HEADER_OVERFLOW', `GET /${'y'.repeat(9000)} HTTP/1.1\r\nX: ${'y'.repeat(40_000)}`, 'uri_too_long'],
    ['HPE_HEADER_OVERFLOW', 'y'.repeat(40_000), 'headers_too_large'],
    ['HPE_CHUNK_EXTENSIONS_OVERFLOW', undefined, 'request_too_large'],
    ['HPE_INVALID_METHOD', 'garbage', 'bad_framing'],
    ['HPE_INVALID_TRANSFER_ENCODING', undefined, 'bad_framing'],
    ['EPIPE', undefined, 'bad_framing'],
  ])('%s', (code, packet, expected) => {
    expect(codeFor(error(code, packet))).toBe(expected);
  });
});

describe('bytes', () => {
  test.each([
    'bad_framing',
    'request_timeout',
    'headers_too_large',
    'uri_too_long',
    'method_not_allowed',
  ] as ErrorCode[])('%s is one whole answer that a page may read', (code) => {
    const text = Buffer.from(formatRefusal(deny(code, { headers: [['connection', 'close']] }))).toString(
      'latin1',
    );
    const answer = parseAnswer(text);
    expect(answer).toMatchObject({ status: ERRORS[code].status, complete: true });
    expect(answer.headers).toMatchObject({
      connection: 'close',
      'access-control-allow-origin': '*',
      'cache-control': 'private, no-store, no-transform',
      vary: 'Origin',
      'content-type': 'application/json',
    });
    expect(JSON.parse(answer.body)).toMatchObject({
      type: 'error',
      error: { code },
      request_id: answer.headers['x-request-id'],
    });
    expect(text.split('\r\n\r\n')).toHaveLength(2);
  });
});
