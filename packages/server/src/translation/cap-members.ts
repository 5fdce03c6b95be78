/** `cap`: numeric ceilings on body members, over the row's whole synonym group and at depth (token spec §5). */

import type { Endpoint } from '../providers/provider.ts';
import { type Edit, splice } from '../splice.ts';
import { type IndexedObject, type IndexedValue, indexBody, keyOf } from './body-index.ts';
import { type CapTarget, capTargetOf } from './caps.ts';

interface Ceiling {
  readonly target: CapTarget;
  readonly most: number;
}

type Objects = ReadonlyMap<string, IndexedObject>;

const WHOLE = /^(?:0|[1-9][0-9]*)$/;

/** The body with no member above its ceiling; null when it is no strict JSON object or a member cannot be judged. */
export function capMembers(
  bytes: Uint8Array,
  caps: Readonly<Record<string, number>>,
  endpoint: Endpoint,
): Uint8Array | null {
  const ceilings = ceilingsOf(caps, endpoint);
  const objects = indexBody(bytes, watchedBy(ceilings));
  if (objects === null) return null;
  const edits: Edit[] = [];
  const inserts = new Map<string, { parent: readonly string[]; members: string[] }>();
  for (const { target, most } of ceilings) {
    if (hasTwoParents(objects, target)) return null;
    const found = target.pointers.flatMap((pointer) => valueAt(objects, pointer) ?? []);
    const [value] = found;
    if (found.length > 1) return null;
    if (value !== undefined) {
      if (value.text === null || !WHOLE.test(value.text)) return null;
      if (isAbove(value.text, most)) edits.push({ start: value.start, end: value.end, text: String(most) });
      continue;
    }
    const pointer = insertionOf(objects, target);
    if (pointer === null) continue;
    const parent = pointer.slice(0, -1);
    if (isOccupied(objects, parent)) return null;
    const list = inserts.get(keyOf(parent)) ?? { parent, members: [] };
    list.members.push(`${JSON.stringify(pointer.at(-1))}:${most}`);
    inserts.set(keyOf(parent), list);
  }
  return splice(bytes, [...edits, ...insertEdits(objects, [...inserts.values()])]);
}

// Two names of one group in a token: the lower ceiling holds for both.
function ceilingsOf(caps: Readonly<Record<string, number>>, endpoint: Endpoint): readonly Ceiling[] {
  const byGroup = new Map<string, Ceiling>();
  for (const [name, most] of Object.entries(caps)) {
    const target = capTargetOf(endpoint, name);
    const key = target.pointers.map(keyOf).sort().join('\n');
    const known = byGroup.get(key);
    byGroup.set(key, known ? { target: known.target, most: Math.min(known.most, most) } : { target, most });
  }
  return [...byGroup.values()];
}

function watchedBy(ceilings: readonly Ceiling[]): Map<string, Set<string>> {
  const watched = new Map<string, Set<string>>([['', new Set()]]);
  for (const { target } of ceilings) {
    for (const pointer of target.pointers) {
      for (const [index, name] of pointer.entries()) {
        const key = keyOf(pointer.slice(0, index));
        const names = watched.get(key) ?? new Set<string>();
        watched.set(key, names.add(name));
      }
    }
  }
  return watched;
}

function valueAt(objects: Objects, pointer: readonly string[]): IndexedValue | null {
  return objects.get(keyOf(pointer.slice(0, -1)))?.members.get(pointer.at(-1) as string) ?? null;
}

// Both spellings of the parent at once: which one the upstream reads is not ours to guess.
function hasTwoParents(objects: Objects, target: CapTarget): boolean {
  const parents = new Set(target.pointers.map((pointer) => keyOf(pointer.slice(0, -1))));
  parents.delete('');
  return [...parents].filter((key) => valueAt(objects, key.split('\u0000')) !== null).length > 1;
}

// Where the body already has the parent under another spelling, the member goes there.
function insertionOf(objects: Objects, target: CapTarget): readonly string[] | null {
  if (target.insert === null) return null;
  const present = target.pointers.find(
    (pointer) => pointer.length > 1 && valueAt(objects, pointer.slice(0, -1)) !== null,
  );
  return target.insert.length > 1 && present !== undefined ? present : target.insert;
}

/** True when something that is no object stands where the parent would be. */
function isOccupied(objects: Objects, parent: readonly string[]): boolean {
  return parent.length > 0 && !objects.has(keyOf(parent)) && valueAt(objects, parent) !== null;
}

// Digits of a whole number; a text longer than the ceiling's is above it, however large.
function isAbove(digits: string, most: number): boolean {
  return BigInt(digits.slice(0, 40)) > BigInt(most);
}

function insertEdits(
  objects: Objects,
  inserts: readonly { parent: readonly string[]; members: readonly string[] }[],
): Edit[] {
  const edits: Edit[] = [];
  const atTop: string[] = [];
  for (const { parent, members } of inserts) {
    const there = parent.length === 0 ? undefined : objects.get(keyOf(parent));
    if (parent.length === 0) atTop.push(...members);
    else if (there === undefined) atTop.push(`${JSON.stringify(parent[0])}:{${members.join(',')}}`);
    else edits.push(appendEdit(there, members));
  }
  const root = objects.get('');
  if (root !== undefined && atTop.length > 0) edits.push(appendEdit(root, atTop));
  return edits;
}

function appendEdit(object: IndexedObject, members: readonly string[]): Edit {
  const comma = object.members.size > 0 ? ',' : '';
  return { start: object.close, end: object.close, text: comma + members.join(',') };
}
