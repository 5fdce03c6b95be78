/**
 * The token in a credential header (token spec §6): `Authorization`, `x-api-key`, `api-key`, `x-goog-api-key`.
 * A key that has not the shape of a token is a client's dummy and is passed over.
 */
import { MAX_TOKEN_LENGTH, Secret } from 'relayapi-token';
import { type Denial, deny } from '../errors.ts';
import type { Head } from './head.ts';

const FIELDS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'];
const SHAPE = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){4}$/;
const PREFIX = 'ek_';

/** The one token in the credential headers, or why there is none. */
export function findHeaderToken(head: Head): Secret | Denial {
  let found: string | null = null;
  for (const field of FIELDS) {
    const lines = head.get(field);
    if (lines === undefined) continue;
    const value = lines[0] as string;
    // Node keeps the first of two Authorization lines and joins the others: two readers could see two tokens.
    if (lines.length > 1 || value.includes(',')) return deny('bad_credentials', { param: field });
    const word = value
      .trim()
      .split(/[ \t]+/)
      .at(-1) as string;
    const bare = word.startsWith(PREFIX) ? word.slice(PREFIX.length) : word;
    if (!SHAPE.test(bare)) continue;
    if (found !== null && found !== bare) return deny('bad_credentials', { reason: 'two tokens' });
    found = bare;
  }
  if (found === null) return deny('token_missing');
  return found.length > MAX_TOKEN_LENGTH ? deny('token_invalid', { reason: 'length' }) : new Secret(found);
}
