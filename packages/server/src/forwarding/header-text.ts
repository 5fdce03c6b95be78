/** Reading of flat header lists, and what may stand in a value that is sent on (RFC 9110 §5.5). */
import type { RawHeaders } from '../io.ts';

/** Every value of `name` (lower case) in order. */
export function headerValues(rawHeaders: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const field = rawHeaders[i] as string;
    // most lines fall out by length, before anything is copied
    if (field.length === name.length && field.toLowerCase() === name)
      values.push(rawHeaders[i + 1] as string);
  }
  return values;
}

/** True for text that is one well-formed header value: no control character, nothing outside latin1. */
export function isHeaderText(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
