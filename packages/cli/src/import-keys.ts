/**
 * `relayapi check --import`: takes `ext` and `key_ops`, which WebCrypto adds to the keys it exports, out of key files (token spec §7).
 * A file is rewritten only when it is good afterwards.
 */
import { parseRai, parseStrictJson, StrictJsonError } from 'relayapi-token';
import { type ChangeOptions, changeKeyFiles, listKeyFiles } from './key-files.ts';
import { type Refused, refuse, refuseRai } from './outcome.ts';

const ADDED = ['ext', 'key_ops'];

/** Cleans a file, or each file of a folder; the names of those that changed, or the first refusal. */
export async function importKeys(path: string, options: ChangeOptions): Promise<string[] | Refused> {
  const paths = listKeyFiles(path);
  if ('kind' in paths) return paths;
  const changed: string[] = [];
  for (const each of paths) {
    let count = 0;
    const refusal = await changeKeyFiles([each], options, ([bytes]) => {
      const cleaned = clean(each, bytes as Uint8Array);
      if ('kind' in cleaned) return cleaned;
      count = cleaned.count;
      return count === 0 ? [] : [cleaned.content];
    });
    if (refusal !== null) return refusal;
    if (count > 0) changed.push(each);
  }
  return changed;
}

function clean(source: string, bytes: Uint8Array): { content: object; count: number } | Refused {
  let content: object;
  try {
    content = JSON.parse(JSON.stringify(parseStrictJson(bytes))) as object;
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    return refuse(source, `is not strict JSON (byte ${error.offset})`, 'put the JSON right');
  }
  const count = strip(content);
  // what was wrong before is for the check itself to list
  if (count === 0) return { content, count };
  try {
    parseRai(content);
    return { content, count };
  } catch (error) {
    return refuseRai(source, error);
  }
}

/** Takes the members out of every key below a value; how many there were. */
function strip(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (!Array.isArray(value) && Object.hasOwn(value, 'kty')) {
    for (const name of ADDED)
      if (Object.hasOwn(value, name) && Reflect.deleteProperty(value, name)) count += 1;
  }
  for (const inner of Object.values(value)) count += strip(inner);
  return count;
}
