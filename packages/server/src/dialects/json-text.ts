/** Finds values in JSON texts that may be cut off in front. For reading usage only; nothing is decided by it. */

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value of a text, or undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `value` when it is an object, else null. */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** A count of tokens, or undefined for anything else. */
export function asCount(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

// Each try reads on to the end of the object at most: a hostile text must not make that happen thousands of times.
const MAX_TRIES = 16;

/**
 * The last object that stands as the value of `name` in `text`, which may start or end anywhere. A name within a string is
 * escaped there, so it is not taken for one. Null when there is none.
 */
export function lastObjectNamed(text: string, name: string): JsonObject | null {
  const quoted = `"${name}"`;
  let tries = 0;
  for (let at = text.lastIndexOf(quoted); at !== -1; at = at === 0 ? -1 : text.lastIndexOf(quoted, at - 1)) {
    if (text[at - 1] === '\\') continue;
    const opening = /^\s*:\s*\{/.exec(text.slice(at + quoted.length, at + quoted.length + 64));
    if (opening === null) continue;
    tries += 1;
    if (tries > MAX_TRIES) return null;
    const start = at + quoted.length + opening[0].length - 1;
    const found = asObject(parseJson(objectAt(text, start)));
    if (found !== null) return found;
  }
  return null;
}

/** The object that a body holds as `name`; of a body that was cut off in front, the last of that name. Null when there is none. */
export function bodyMember(text: string, name: string): JsonObject | null {
  const last = lastMember(text, name);
  if (last !== null) return last;
  const whole = parseJson(text);
  return whole === undefined ? lastObjectNamed(text, name) : asObject(asObject(whole)?.[name]);
}

/**
 * The usual case without reading the whole body: the last object of that name, where what follows it closes one object alone, is a member
 * of the body itself. Null for anything else; a text that is no JSON at all may give what `lastObjectNamed` gives.
 */
function lastMember(text: string, name: string): JsonObject | null {
  const quoted = `"${name}"`;
  const at = text.lastIndexOf(quoted);
  if (at === -1 || text[at - 1] === '\\') return null;
  const opening = /^\s*:\s*\{/.exec(text.slice(at + quoted.length, at + quoted.length + 64));
  if (opening === null) return null;
  const start = at + quoted.length + opening[0].length - 1;
  const object = objectAt(text, start);
  const rest = text.slice(start + object.length);
  // Scalars without braces or brackets up to the one brace that ends the body: nothing there can be nested.
  if (object === '' || !/^(?:\s*,\s*"[^"\\{}[\]]*"\s*:\s*(?:"[^"\\{}[\]]*"|[-+.\w]+))*\s*\}\s*$/.test(rest)) return null;
  return asObject(parseJson(object));
}

// The balanced text of the object that opens at `start`; '' when it is cut off.
function objectAt(text: string, start: number): string {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at];
    if (inString) {
      if (sign === '\\') at += 1;
      else if (sign === '"') inString = false;
    } else if (sign === '"') inString = true;
    else if (sign === '{') depth += 1;
    else if (sign === '}') {
      depth -= 1;
      if (depth === 0) return text.slice(start, at + 1);
    }
  }
  return '';
}
