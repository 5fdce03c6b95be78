/** What header values say and may say: which text can be sent on (RFC 9110 §5.5), whether a message is encoded (§8.4). */
import { headerValues, type RawHeaders } from '../io.ts';

/** True for text that is one well-formed header value: no control character, nothing outside latin1. */
export function isHeaderText(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

/** True when `Content-Encoding` names any coding but `identity`. */
export function isEncoded(rawHeaders: RawHeaders): boolean {
  return headerValues(rawHeaders, 'content-encoding').some((line) =>
    line.split(',').some((coding) => !['', 'identity'].includes(coding.trim().toLowerCase())),
  );
}
