/** `set`: top-level body members that the token forces, replaced where they stand or added at the end (token spec §5). */
import type { JsonValue } from 'relayapi-token';
import { type Edit, splice } from '../splice.ts';
import { indexBody } from './body-index.ts';

/** The body with `members` in place; null when it is no strict JSON object. */
export function setMembers(
  bytes: Uint8Array,
  members: Readonly<Record<string, JsonValue>>,
): Uint8Array | null {
  const names = Object.keys(members);
  const root = indexBody(bytes, new Map([['', new Set(names)]]))?.get('');
  if (root === undefined) return null;
  const edits: Edit[] = [];
  const added: string[] = [];
  for (const name of names) {
    const text = JSON.stringify(members[name]);
    const there = root.members.get(name);
    if (there === undefined) added.push(`${JSON.stringify(name)}:${text}`);
    else edits.push({ start: there.start, end: there.end, text });
  }
  if (added.length > 0) {
    const comma = root.members.size > 0 ? ',' : '';
    edits.push({ start: root.close, end: root.close, text: comma + added.join(',') });
  }
  return splice(bytes, edits);
}
