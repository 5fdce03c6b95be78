/**
 * The strings of the corpora beside these tests, sorted by where they belong in a request: material for the fuzzers. What must happen
 * to each row is their own tests' to say.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allRests } from '../corpora/rests.ts';
import type { Pieces } from './live-requests.ts';

const FOLDER = join(import.meta.dirname, '../corpora');
const MAX_LENGTH = 4000;
/** Members of a row that are said about it, not sent. */
const TALK = new Set(['about', 'source', 'licence', 'group', 'must', 'end', 'what', 'why', 'name', 'note']);

/** Every string of a JSON value that is short enough to be a piece. */
function* stringsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    if (value !== '' && value.length <= MAX_LENGTH) yield value;
  } else if (Array.isArray(value)) for (const item of value) yield* stringsOf(item);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, held] of Object.entries(value)) if (!TALK.has(name)) yield* stringsOf(held);
  }
}

/** As bytes, one per character. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** All pieces, taken by the name of their file. */
export function readPieces(): Pieces {
  const targets = allRests();
  const headers: string[] = [];
  const bodies: string[] = [];
  const wild: string[] = [];
  for (const name of readdirSync(FOLDER).sort()) {
    if (!name.endsWith('.json')) continue;
    const strings = [...stringsOf(JSON.parse(readFileSync(join(FOLDER, name), 'utf8')))].map(latin1);
    if (/roots/.test(name)) targets.push(...strings);
    else if (/bodies/.test(name)) bodies.push(...strings);
    else if (/headers/.test(name)) headers.push(...strings.filter((text) => text.includes(':')));
    else if (/origins/.test(name)) headers.push(...strings.map((text) => `Origin: ${text}`));
    else if (/forwarded/.test(name)) headers.push(...strings.map((text) => `X-Forwarded-For: ${text}`));
    else if (/framing|chunks|refusals/.test(name))
      wild.push(...strings.map((text) => text.replace('TARGET', '/v1/models')));
  }
  return { targets, headers, bodies, wild };
}
