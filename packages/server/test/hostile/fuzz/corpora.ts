/**
 * The strings of the corpora beside these tests, sorted by where they belong in a request: material for the fuzzers. What must happen
 * to each row is their own tests' to say.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allRests } from '../corpora/rests.ts';
import { rowsOf } from '../corpora/rows.ts';
import type { Pieces } from './live-requests.ts';

const FOLDER = join(import.meta.dirname, '../corpora');
const MAX_LENGTH = 4000;

/** Every string of a JSON value that is short enough to be a piece. */
function* stringsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    if (value !== '' && value.length <= MAX_LENGTH) yield value;
  } else if (Array.isArray(value)) for (const item of value) yield* stringsOf(item);
  else if (typeof value === 'object' && value !== null) yield* stringsOf(Object.values(value));
}

/** As bytes, one per character. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

/** All pieces; what stands in `corpora/` is taken by the name of its file. */
export function readPieces(): Pieces {
  const targets = allRests();
  const headers: string[] = [];
  const bodies: string[] = [];
  const framing = rowsOf<{ head: string; body?: string }>('framing');
  const wild = framing
    .flatMap(({ head, body = '' }) => [head.replace('TARGET', '/'), body])
    .filter((text) => text !== '' && text.length <= MAX_LENGTH);
  const files = existsSync(FOLDER) ? readdirSync(FOLDER, { recursive: true }).map(String) : [];
  for (const name of files.filter((file) => file.endsWith('.json')).sort()) {
    const strings = [...stringsOf(JSON.parse(readFileSync(join(FOLDER, name), 'utf8')))].map(latin1);
    if (/path|target|suffix/.test(name)) targets.push(...strings);
    else if (/bod(?:y|ies)|json/.test(name)) bodies.push(...strings);
    else if (/header/.test(name)) headers.push(...strings.filter((text) => text.includes(':')));
    else if (/origin/.test(name)) headers.push(...strings.map((text) => `Origin: ${text}`));
    else if (/forwarded|client/.test(name))
      headers.push(...strings.map((text) => `X-Forwarded-For: ${text}`));
    else wild.push(...strings);
  }
  return { targets, headers, bodies, wild };
}
