/**
 * One pass over the raw header lines: what later steps ask for by name, and whether the message is framed as HTTP/1.1 asks (behaviour §5 "Framing").
 * Node's parser lets several of these through and runs the handler first.
 */
import { type Denial, deny } from '../errors.ts';
import { headerValue, headerValues, type InboundRequest } from '../io.ts';

/** The header lines of a request by lower-case name. Nothing is sorted beforehand: a request is asked for a dozen names, most of them absent. */
export interface Head {
  /** The lines of a name in order; undefined when there are none. */
  get(name: string): readonly string[] | undefined;
  /** The first line of a name, null when there is none. */
  first(name: string): string | null;
}

/** Most header fields of a request. */
const MAX_FIELDS = 64;
const HOST = /^[A-Za-z0-9!$&'()*+;=:._~%[\]-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control bytes are what is looked for
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Opens the header lines to questions by name. */
export function readHead({ rawHeaders }: InboundRequest): Head {
  return {
    get(name) {
      const lines = headerValues(rawHeaders, name);
      return lines.length === 0 ? undefined : lines;
    },
    first: (name) => headerValue(rawHeaders, name),
  };
}

/** Refuses too many fields, and where the runtime shows the message as sent, any doubt about where it ends or whom it is for. */
export function checkHead(request: InboundRequest, head: Head): Denial | null {
  const framing = request.exact && request.httpVersion !== '2' ? findFramingFault(request, head) : null;
  // Where two readers may disagree on the end of this message, no further one may follow on the connection.
  if (framing !== null) return deny('bad_framing', { reason: framing, headers: [['connection', 'close']] });
  return request.rawHeaders.length > 2 * MAX_FIELDS ? deny('headers_too_large', { reason: 'fields' }) : null;
}

function findFramingFault(request: InboundRequest, head: Head): string | null {
  // Node's parser lets the words `HTTP/2.0` and `HTTP/0.9` through.
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') return 'version';
  const host = head.get('host');
  if (host === undefined) return 'host missing';
  if (host.length > 1) return 'host repeated';
  if (!HOST.test(host[0] as string)) return 'host malformed';
  const coding = head.get('transfer-encoding');
  const length = head.get('content-length');
  if (coding !== undefined) {
    if (length !== undefined) return 'content-length with transfer-encoding';
    if (request.httpVersion === '1.0') return 'transfer-encoding in HTTP/1.0';
    // Not trimmed: JavaScript takes a no-break space for a blank, HTTP does not; real blanks are off by now.
    if (coding.length > 1 || (coding[0] as string).toLowerCase() !== 'chunked') return 'transfer-encoding';
  }
  if (length !== undefined && (length.length > 1 || !/^\d{1,15}$/.test(length[0] as string))) {
    return 'content-length';
  }
  const expect = head.get('expect');
  if (expect !== undefined && (expect.length > 1 || (expect[0] as string).toLowerCase() !== '100-continue')) {
    return 'expect';
  }
  for (let i = 1; i < request.rawHeaders.length; i += 2) {
    if (CONTROL.test(request.rawHeaders[i] as string)) return 'control byte in a header';
  }
  return null;
}
