/**
 * Reading a `.rai` file field by field while gathering every problem. Messages name fields and rules, never values:
 * a value may be a key.
 */
import type { Problem } from './errors.ts';
import type { JsonValue } from './strict-json.ts';

/** A JSON object. */
export type JsonObject = { [k: string]: JsonValue };

/** Where reading stands: the list that grows, and the path of the object being read. */
export interface Place {
  problems: Problem[];
  path: string;
}

/** Notes a problem at `path`. */
export function report(place: Place, member: string, message: string, fix: string): void {
  place.problems.push({ path: place.path + member, message, fix });
}

/** The place of a member (`.keys`) or item (`[0]`). */
export function below(place: Place, member: string): Place {
  return { problems: place.problems, path: place.path + member };
}

/** The value as an object whose members are all in `names`; null (and a problem) when it is none. */
export function readObject(
  value: JsonValue | undefined,
  place: Place,
  names: readonly string[],
): JsonObject | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(place, '', value === undefined ? 'is missing' : 'is not an object', 'write an object');
    return null;
  }
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) reportUnknown(place, name, names);
  }
  return value;
}

function reportUnknown(place: Place, name: string, names: readonly string[]): void {
  const near = nearestName(name, names);
  const fix =
    near === null ? `remove it; known here: ${names.join(', ')}` : `did you mean ${near}? Else remove it`;
  report(place, `.${showName(name)}`, 'is not a member known here', fix);
}

/** A member's name for a path; a long or strange one could be a misplaced key and is not repeated. */
export function showName(name: string): string {
  return /^[A-Za-z0-9_@.-]{1,32}$/.test(name) ? name : '(unprintable)';
}

/** The known name within two edits, or null. */
function nearestName(name: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let least = 3;
  for (const known of names) {
    const distance = editDistance(name.slice(0, 40), known);
    if (distance < least && distance < known.length) {
      least = distance;
      best = known;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** A rule for one member. */
export interface FieldRule<T extends JsonValue> {
  test: (value: JsonValue) => value is T;
  /** Completes "must be …". */
  expects: string;
  fix: string;
}

/** A required member; undefined (and a problem) when absent or wrong. */
export function readField<T extends JsonValue>(
  object: JsonObject,
  name: string,
  place: Place,
  rule: FieldRule<T>,
): T | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (value !== undefined && rule.test(value)) return value;
  report(place, `.${name}`, value === undefined ? 'is missing' : `must be ${rule.expects}`, rule.fix);
  return undefined;
}

/** An optional member; undefined when absent or (with a problem) wrong. */
export function readOptional<T extends JsonValue>(
  object: JsonObject,
  name: string,
  place: Place,
  rule: FieldRule<T>,
): T | undefined {
  return Object.hasOwn(object, name) ? readField(object, name, place, rule) : undefined;
}

/** An optional list of texts, each by `rule`; undefined when absent. */
export function readList(
  object: JsonObject,
  name: string,
  place: Place,
  rule: FieldRule<string>,
): string[] | undefined {
  if (!Object.hasOwn(object, name)) return undefined;
  const value = object[name] as JsonValue;
  if (!Array.isArray(value)) {
    report(place, `.${name}`, 'is not a list', 'write a list of texts');
    return undefined;
  }
  const out: string[] = [];
  value.forEach((item, i) => {
    if (rule.test(item)) out.push(item);
    else report(place, `.${name}[${i}]`, `must be ${rule.expects}`, rule.fix);
  });
  return out;
}
