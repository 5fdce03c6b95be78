/** Messages whose end or addressee two readers could see differently; each is followed by a request that must never be heard (RFC 9112 §11). */

/** One message on a raw connection. */
export interface FramingCase {
  readonly what: string;
  /** Request line and header lines without the blank line; `TARGET` is a good target. */
  readonly head: string;
  /** What follows the blank line; the smuggled request is put behind it. */
  readonly body?: string;
  /** True where only the target is wrong: its end is beyond doubt, so the connection may go on. */
  readonly goesOn?: boolean;
}

const HOST = 'Host: relay.test\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const post = (lines: string, version = '1.1') => `POST TARGET HTTP/${version}\r\n${HOST}${JSON_TYPE}${lines}`;
const CHUNKED = '2\r\n{}\r\n0\r\n\r\n';

export const FRAMING: readonly FramingCase[] = [
  { what: 'both lengths', head: post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n'), body: CHUNKED },
  {
    what: 'both lengths, the coding first',
    head: post('Transfer-Encoding: chunked\r\nContent-Length: 2\r\n'),
    body: CHUNKED,
  },
  {
    what: 'a length of 0 beside a coding',
    head: post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n'),
    body: CHUNKED,
  },
  { what: 'two different lengths', head: post('Content-Length: 2\r\nContent-Length: 0\r\n'), body: '{}' },
  { what: 'two equal lengths', head: post('Content-Length: 2\r\nContent-Length: 2\r\n'), body: '{}' },
  { what: 'a list of lengths', head: post('Content-Length: 2, 2\r\n'), body: '{}' },
  { what: 'a signed length', head: post('Content-Length: +2\r\n'), body: '{}' },
  { what: 'a negative length', head: post('Content-Length: -2\r\n'), body: '{}' },
  { what: 'a hexadecimal length', head: post('Content-Length: 0x2\r\n'), body: '{}' },
  { what: 'a length with a fraction', head: post('Content-Length: 2.0\r\n'), body: '{}' },
  { what: 'a length that overflows', head: post('Content-Length: 18446744073709551618\r\n'), body: '{}' },
  { what: 'an empty length', head: post('Content-Length: \r\n'), body: '{}' },
  { what: 'a blank inside the length', head: post('Content-Length: 2 2\r\n'), body: '{}' },
  { what: 'gzip, chunked', head: post('Transfer-Encoding: gzip, chunked\r\n'), body: CHUNKED },
  { what: 'chunked, gzip', head: post('Transfer-Encoding: chunked, gzip\r\n'), body: CHUNKED },
  { what: 'chunked twice in one line', head: post('Transfer-Encoding: chunked, chunked\r\n'), body: CHUNKED },
  {
    what: 'chunked in two lines',
    head: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'),
    body: CHUNKED,
  },
  { what: 'identity', head: post('Transfer-Encoding: identity\r\n'), body: CHUNKED },
  {
    what: 'identity and a length',
    head: post('Transfer-Encoding: identity\r\nContent-Length: 2\r\n'),
    body: '{}',
  },
  { what: 'xchunked', head: post('Transfer-Encoding: xchunked\r\n'), body: CHUNKED },
  { what: 'chunked in quotes', head: post('Transfer-Encoding: "chunked"\r\n'), body: CHUNKED },
  { what: 'chunked with a parameter', head: post('Transfer-Encoding: chunked;q=1\r\n'), body: CHUNKED },
  { what: 'an empty coding', head: post('Transfer-Encoding: \r\n'), body: CHUNKED },
  { what: 'a vertical tab before chunked', head: post('Transfer-Encoding: \x0bchunked\r\n'), body: CHUNKED },
  { what: 'a blank before the colon', head: post('Transfer-Encoding : chunked\r\n'), body: CHUNKED },
  { what: 'a tab before the colon', head: post('Content-Length\t: 2\r\n'), body: '{}' },
  {
    what: 'a coding in a folded line',
    head: post('X-A: b\r\n Transfer-Encoding: chunked\r\n'),
    body: CHUNKED,
  },
  { what: 'a folded coding', head: post('Transfer-Encoding:\r\n chunked\r\n'), body: CHUNKED },
  {
    what: 'a bare line feed before a coding',
    head: post('X-A: b\nTransfer-Encoding: chunked\r\n'),
    body: CHUNKED,
  },
  {
    what: 'a bare carriage return in a value',
    head: post('X-A: b\rTransfer-Encoding: chunked\r\n'),
    body: CHUNKED,
  },
  { what: 'a NUL in a name', head: post('X-\0A: b\r\n'), body: '' },
  { what: 'a NUL in a value', head: post('X-A: b\0c\r\n'), body: '' },
  { what: 'an escape byte in a value', head: post('X-A: \x1b[2J\r\n'), body: '' },
  { what: 'a name with a blank', head: post('X A: b\r\n'), body: '' },
  { what: 'a line without a colon', head: post('XA\r\n'), body: '' },
  { what: 'a line with an empty name', head: post(': b\r\n'), body: '' },
  { what: 'a coding in HTTP/1.0', head: post('Transfer-Encoding: chunked\r\n', '1.0'), body: CHUNKED },
  { what: 'HTTP/1.2', head: post('Content-Length: 2\r\n', '1.2'), body: '{}' },
  { what: 'HTTP/2.0 in words', head: post('Content-Length: 2\r\n', '2.0'), body: '{}' },
  { what: 'lower-case http', head: `POST TARGET http/1.1\r\n${HOST}` },
  { what: 'no Host', head: `POST TARGET HTTP/1.1\r\n${JSON_TYPE}Content-Length: 2\r\n`, body: '{}' },
  {
    what: 'an empty Host',
    head: `POST TARGET HTTP/1.1\r\nHost:\r\n${JSON_TYPE}Content-Length: 2\r\n`,
    body: '{}',
  },
  { what: 'two Hosts', head: post('Host: evil.test\r\nContent-Length: 2\r\n'), body: '{}' },
  { what: 'two equal Hosts', head: post('Host: relay.test\r\nContent-Length: 2\r\n'), body: '{}' },
  {
    what: 'a Host with a path',
    head: `POST TARGET HTTP/1.1\r\nHost: relay.test/x\r\n${JSON_TYPE}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'a Host with a user',
    head: `POST TARGET HTTP/1.1\r\nHost: a@relay.test\r\n${JSON_TYPE}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'a Host with a comma',
    head: `POST TARGET HTTP/1.1\r\nHost: relay.test, evil.test\r\n${JSON_TYPE}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'absolute form',
    goesOn: true,
    head: `POST http://relay.testTARGET HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'absolute form of another host',
    goesOn: true,
    head: `POST http://evil.testTARGET HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  { what: 'authority form', head: `POST relay.test:80 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`, body: '{}' },
  { what: 'the asterisk', goesOn: true, head: `POST * HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`, body: '{}' },
  {
    what: 'two slashes in front',
    goesOn: true,
    head: `POST /TARGET HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'a backslash in front',
    head: `POST \\TARGET HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'a fragment',
    goesOn: true,
    head: `POST TARGET#x HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'a byte above ASCII in the target',
    head: `POST TARGET\xe9 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'a control byte in the target',
    head: `POST TARGET\x01 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'three words of a target',
    head: `POST TARGET x HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  {
    what: 'a tab in the request line',
    head: `POST\tTARGET HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`,
    body: '{}',
  },
  { what: 'a lower-case method', head: `post TARGET HTTP/1.1\r\n${HOST}Content-Length: 2\r\n`, body: '{}' },
  { what: 'another expectation', head: post('Expect: 200-maybe\r\nContent-Length: 2\r\n'), body: '{}' },
];

/** Bodies that break after a good head; a part of them may have gone up by then, but never a whole request. */
export const BROKEN_CHUNKS: readonly (readonly [what: string, body: string])[] = [
  ['a size that is none', 'zz\r\n{}\r\n0\r\n\r\n'],
  ['a negative size', '-2\r\n{}\r\n0\r\n\r\n'],
  ['a size with 0x', '0x2\r\n{}\r\n0\r\n\r\n'],
  ['a size that overflows', '10000000000000002\r\n{}\r\n0\r\n\r\n'],
  ['a blank before the size', ' 2\r\n{}\r\n0\r\n\r\n'],
  ['a bare line feed after the size', '2\n{}\r\n0\r\n\r\n'],
  ['a bare line feed after the data', '2\r\n{}\n0\r\n\r\n'],
  ['a size that is too small', '1\r\n{}\r\n0\r\n\r\n'],
  ['a size that is too large', '3\r\n{}\r\n0\r\n\r\n'],
  ['an extension with a bare line feed', '2;a\nb\r\n{}\r\n0\r\n\r\n'],
  ['an extension with a NUL', '2;a=\0\r\n{}\r\n0\r\n\r\n'],
  ['a trailer that is no header', '2\r\n{}\r\n0\r\nX A: b\r\n\r\n'],
  ['a trailer with a bare line feed', '2\r\n{}\r\n0\r\nX: a\nY: b\r\n\r\n'],
];
