/**
 * Translation, the stage's entry: the body as it goes upstream. `set` and `cap` by splicing, multipart by rebuilding (behaviour §6).
 * Judges no model and no feature: that is the policy's, on what comes out here.
 */
import { type Denial, deny, isDenial } from '../errors.ts';
import type { Opened, Route } from '../exchange.ts';
import type { Endpoint } from '../providers/provider.ts';
import { createGuard } from './body-index.ts';
import { capMembers } from './cap-members.ts';
import { boundaryOf, buildMultipart, type FormPart, fieldsOf, parseMultipart } from './multipart.ts';
import { openIds } from './open-ids.ts';
import { setMembers } from './set-members.ts';

/** A body ready to be judged and sent. */
export interface RewrittenBody {
  readonly bytes: Uint8Array;
  readonly contentType: string | null;
  /** Plain fields of a multipart body; null for any other. */
  readonly formFields: ReadonlyMap<string, string> | null;
}

/** The translation stage. */
export interface Translation {
  /** Whether the body may hold ids that were sealed, whatever the claims say. */
  needsBody(route: Route): boolean;
  /** The body with sealed ids opened, the token's `set` and `cap` in place, or a multipart body rebuilt. Call it only when a claim or an id asks to look into the body. */
  rewrite(
    opened: Opened,
    route: Route,
    bytes: Uint8Array,
    contentType: string | null,
  ): RewrittenBody | Denial;
  /** The plain fields of a multipart body in the one strict reading. */
  formFields(bytes: Uint8Array, contentType: string | null): ReadonlyMap<string, string> | Denial;
}

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json$/;

/** Makes the stage. */
export function createTranslation(): Translation {
  return { needsBody: ({ ids }) => (ids?.takes.length ?? 0) > 0, rewrite, formFields };
}

function rewrite(
  opened: Opened,
  route: Route,
  bytes: Uint8Array,
  contentType: string | null,
): RewrittenBody | Denial {
  const { ids } = route;
  if (!ids || ids.takes.length === 0 || bytes.length === 0) {
    return rewriteByClaims(opened, route, bytes, contentType);
  }
  // an id may stand in a form, too, where nobody looks for it
  if (!isJson(contentType)) return deny('unsupported_body');
  // before `set`: what the issuer forces is no caller's
  const own = openIds(bytes, ids);
  return isDenial(own) ? own : rewriteByClaims(opened, route, own, contentType);
}

function rewriteByClaims(
  { claims }: Opened,
  { endpoint }: Route,
  bytes: Uint8Array,
  contentType: string | null,
): RewrittenBody | Denial {
  const untouched = { bytes, contentType, formFields: null };
  if (endpoint?.body === 'none') return bytes.length === 0 ? untouched : deny('unsupported_body');
  if (claims.set === undefined && claims.cap === undefined) {
    return isMultipart(contentType) ? rebuild(endpoint, bytes, contentType) : untouched;
  }
  if (endpoint?.body !== 'json' || !isJson(contentType)) return deny('unsupported_body');
  if (claims.set !== undefined && Object.hasOwn(claims.set, 'model') && !bodyNamesModel(endpoint)) {
    return deny('unsupported_body', { param: 'set.model' });
  }
  const set = claims.set === undefined ? bytes : setMembers(bytes, claims.set);
  if (set === null) return deny('bad_body');
  const capped = claims.cap === undefined ? set : capMembers(set, claims.cap, endpoint);
  return capped === null ? deny('bad_body') : { bytes: capped, contentType, formFields: null };
}

function rebuild(
  endpoint: Endpoint | null,
  bytes: Uint8Array,
  contentType: string | null,
): RewrittenBody | Denial {
  const parts = partsOf(bytes, contentType);
  if (isDenial(parts)) return parts;
  if (hidesChecked(parts, checkedFields(endpoint)))
    return deny('bad_body', { reason: 'a checked form field' });
  const fields = fieldsOf(parts);
  return fields === null
    ? deny('bad_body', { reason: 'form text' })
    : { ...buildMultipart(parts), formFields: fields };
}

function formFields(bytes: Uint8Array, contentType: string | null): ReadonlyMap<string, string> | Denial {
  const parts = partsOf(bytes, contentType);
  if (isDenial(parts)) return parts;
  return fieldsOf(parts) ?? deny('bad_body', { reason: 'form text' });
}

function partsOf(bytes: Uint8Array, contentType: string | null): readonly FormPart[] | Denial {
  const boundary = boundaryOf(contentType);
  if (boundary === null) return deny('bad_body', { reason: 'form boundary' });
  return parseMultipart(bytes, boundary) ?? deny('bad_body', { reason: 'form grammar' });
}

// Names that the policy will read: a model's, and what shows a feature at the top of a body.
function checkedFields(endpoint: Endpoint | null): ReadonlySet<string> {
  const names = new Set<string>(['_charset_']);
  for (const place of endpoint?.models ?? []) if (place.in === 'form') names.add(place.name);
  for (const { at } of endpoint?.features ?? []) if (at.length === 1) names.add(at[0] as string);
  return names;
}

// A file under a checked name, a list of it (`model[]`), or its name in other letters: upstreams differ in what they make of it.
function hidesChecked(parts: readonly FormPart[], checked: ReadonlySet<string>): boolean {
  const isLookalike = createGuard(checked);
  return parts.some(({ name, fileName }) => {
    const stem = name.split(/[[.]/, 1)[0]?.trim() ?? '';
    if (stem === '_charset_') return true;
    return isLookalike(stem) || (checked.has(stem) && (stem !== name || fileName !== null));
  });
}

function bodyNamesModel(endpoint: Endpoint): boolean {
  const places = endpoint.models ?? [];
  if (places.some((place) => place.in === 'path' || place.in === 'query')) return false;
  return places.some((place) => place.in === 'body' && place.at.length === 1 && place.at[0] === 'model');
}

function isMultipart(contentType: string | null): boolean {
  return /^\s*multipart\//i.test(contentType ?? '');
}

function isJson(contentType: string | null): boolean {
  const [type = '', ...parameters] = (contentType ?? '').split(';');
  if (!JSON_TYPE.test(type.trim().toLowerCase())) return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=', 2);
    return name.trim().toLowerCase() !== 'charset' || /^"?utf-?8"?$/i.test(value.trim());
  });
}
