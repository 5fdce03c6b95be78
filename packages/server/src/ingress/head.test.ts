/** Header lines and framing, where the message is seen as sent and where not. */
import { describe, expect, test } from 'vitest';
import { type InboundParts, makeInbound } from '../../test/support/inbound.ts';
import { checkHead, readHead } from './head.ts';

const check = (parts: InboundParts) => {
  const request = makeInbound(parts);
  return checkHead(request, readHead(request))?.denied ?? null;
};

test('lines are found by lower-case name, in their order', () => {
  const head = readHead(makeInbound({ headers: ['X-A', '1', 'x-b', '2', 'x-a', '3'] }));
  expect(['host', 'x-a', 'x-b', 'x-c'].map((name) => head.get(name))).toEqual([
    ['relay.test'],
    ['1', '3'],
    ['2'],
    undefined,
  ]);
  expect(['x-a', 'x-c'].map((name) => head.first(name))).toEqual(['1', null]);
});

describe('A22 framing', () => {
  test.each<[string, InboundParts]>([
    ['no Host', { host: false }],
    ['two Hosts', { headers: ['host', 'relay.test'] }],
    ['an empty Host', { host: false, headers: ['Host', ''] }],
    ['a Host list', { host: false, headers: ['Host', 'a, b'] }],
    ['a Host with a path', { host: false, headers: ['Host', 'a/b'] }],
    ['a Host with user data', { host: false, headers: ['Host', 'a@b'] }],
    ['length and coding', { headers: ['Content-Length', '3', 'Transfer-Encoding', 'chunked'] }],
    ['two lengths', { headers: ['Content-Length', '3', 'content-length', '3'] }],
    ['a length list', { headers: ['Content-Length', '3, 3'] }],
    ['a signed length', { headers: ['Content-Length', '+3'] }],
    ['a hexadecimal length', { headers: ['Content-Length', '0x3'] }],
    ['an endless length', { headers: ['Content-Length', '9'.repeat(16)] }],
    ['gzip, chunked', { headers: ['TE', 'x', 'Transfer-Encoding', 'gzip, chunked'] }],
    ['identity', { headers: ['Transfer-Encoding', 'identity'] }],
    ['chunked twice', { headers: ['Transfer-Encoding', 'chunked, chunked'] }],
    ['two coding lines', { headers: ['Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'] }],
    ['an empty coding', { headers: ['Transfer-Encoding', ''] }],
    ['a no-break space before chunked', { headers: ['Transfer-Encoding', '\u00a0chunked'] }],
    ['a blank that the parser left', { headers: ['Transfer-Encoding', 'chunked '] }],
    ['xchunked', { headers: ['Transfer-Encoding', 'xchunked'] }],
    ['a coding in HTTP/1.0', { httpVersion: '1.0', headers: ['Transfer-Encoding', 'chunked'] }],
    ['another expectation', { headers: ['Expect', '200-ok'] }],
    ['two expectations', { headers: ['Expect', '100-continue', 'expect', '100-continue'] }],
    ['the words HTTP/2.0 on an HTTP/1 connection', { httpVersion: '2.0' }],
    ['HTTP/0.9', { httpVersion: '0.9' }],
    ['a control byte in a value', { headers: ['X', 'a\u0001b'] }],
    ['a line feed in a value', { headers: ['X', 'a\nb: c'] }],
    ['a NUL', { headers: ['X', 'a\0'] }],
  ])('%s is bad_framing', (_why, parts) => {
    expect(check(parts)).toBe('bad_framing');
  });

  test.each<[string, InboundParts]>([
    ['plain', {}],
    ['chunked in any case', { headers: ['Transfer-Encoding', 'Chunked'] }],
    ['a length', { headers: ['Content-Length', '0'] }],
    ['a length of 15 digits', { headers: ['Content-Length', '9'.repeat(15)] }],
    ['HTTP/1.0', { httpVersion: '1.0' }],
    ['100-continue in any case', { headers: ['Expect', '100-Continue'] }],
    ['Host with port', { host: false, headers: ['Host', '127.0.0.1:8840'] }],
    ['Host IPv6', { host: false, headers: ['Host', '[::1]:8840'] }],
    ['a tab in a value', { headers: ['X', 'a\tb'] }],
    ['text above ASCII', { headers: ['X', '\u00e9'] }],
    ['HTTP/2 has no Host line', { httpVersion: '2', host: false }],
    [
      'where framing cannot be seen',
      { exact: false, host: false, headers: ['content-length', '3', 'transfer-encoding', 'chunked'] },
    ],
  ])('%s passes', (_why, parts) => {
    expect(check(parts)).toBeNull();
  });

  test.each<[string, InboundParts]>([
    ['version', { httpVersion: '0.9' }],
    ['host missing', { host: false }],
    ['host repeated', { headers: ['host', 'relay.test'] }],
    ['host malformed', { host: false, headers: ['Host', 'a/b'] }],
    [
      'content-length with transfer-encoding',
      { headers: ['Content-Length', '3', 'Transfer-Encoding', 'chunked'] },
    ],
    ['transfer-encoding in HTTP/1.0', { httpVersion: '1.0', headers: ['Transfer-Encoding', 'chunked'] }],
    ['transfer-encoding', { headers: ['Transfer-Encoding', 'gzip'] }],
    ['content-length', { headers: ['Content-Length', '+3'] }],
    ['expect', { headers: ['Expect', '200-ok'] }],
    ['control byte in a header', { headers: ['X', 'a\0'] }],
  ])('the operator is told the fault: %s', (reason, parts) => {
    const request = makeInbound(parts);
    expect(checkHead(request, readHead(request))?.reason).toBe(reason);
  });

  test('the connection is not used again after doubtful framing', () => {
    const request = makeInbound({ headers: ['host', 'again'] });
    expect(checkHead(request, readHead(request))?.headers).toContainEqual(['connection', 'close']);
  });
});

describe('number of fields', () => {
  const fields = (n: number) => Array.from({ length: n }, (_, i) => [`x-${i}`, '1']).flat();

  test('64 pass, 65 are headers_too_large', () => {
    expect(check({ headers: fields(63) })).toBeNull();
    expect(check({ headers: fields(64) })).toBe('headers_too_large');
  });

  test('on fetch runtimes as well', () => {
    expect(check({ exact: false, headers: fields(64) })).toBe('headers_too_large');
  });

  test('doubtful framing is told first, so that the connection ends', () => {
    expect(check({ headers: ['host', 'again', ...fields(64)] })).toBe('bad_framing');
  });
});
