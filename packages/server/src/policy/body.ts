/** Whether a body must be looked into, and what comes of it: type, strict JSON or form fields, `models`, `features` (behaviour spec §6). */
import type { Claims } from 'relayapi-token';
import { type Denial, deny, isDenial } from '../errors.ts';
import type { Arrival, Route } from '../exchange.ts';
import { type Pointer, pointsTo } from '../pointers.ts';
import type { Endpoint } from '../providers/provider.ts';
import { createScanPlan, type ScanPlan, scanBody } from './body-scan.ts';
import { usesFeature } from './checks/features.ts';
import { checkBodyModels, isBodyPlace, modelLists } from './checks/models.ts';

/** Fields of a form body that translation has parsed strictly; null or absent: the body is no such form. */
export type FormFields = ReadonlyMap<string, string> | null;

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json$/;

/** Whether a content type is JSON in UTF-8. */
export function isJsonType(contentType: string | null): boolean {
  const [type = '', ...parameters] = (contentType ?? '').split(';');
  if (!JSON_TYPE.test(type.trim().toLowerCase())) return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=', 2);
    return name.trim().toLowerCase() !== 'charset' || /^"?utf-?8"?$/i.test(value.trim());
  });
}

function looksForModels(claims: Claims, route: Route): boolean {
  return modelLists(claims, route).length > 0 && (route.endpoint?.models?.some(isBodyPlace) ?? false);
}

function featureRules(claims: Claims, row: Endpoint | null): NonNullable<Endpoint['features']> {
  return claims.features === undefined ? [] : (row?.features ?? []);
}

/** `feature_denied` when the token narrows features but the registry does not say how this endpoint's body shows them: that cannot be checked. */
export function checkFeaturesKnown(claims: Claims, method: string, row: Endpoint | null): Denial | null {
  if (claims.features === undefined || method === 'GET' || method === 'HEAD' || row?.body === 'none')
    return null;
  return row?.features === undefined
    ? deny('feature_denied', { reason: 'the endpoint lists no features' })
    : null;
}

/** Whether a claim asks to look into the body of this route. */
export function needsBody(claims: Claims, route: Route): boolean {
  if (route.endpoint?.body === 'none') return false;
  if (claims.set !== undefined || claims.cap !== undefined) return true;
  return looksForModels(claims, route) || featureRules(claims, route.endpoint).length > 0;
}

/** `unsupported_body` when a claim judges bodies and one comes where none belongs: nothing would look into it, and an upstream might. */
export function checkNoBody(claims: Claims, arrival: Arrival, route: Route): Denial | null {
  const { method, request } = arrival;
  if (request.body.declaredBytes === 0) return null;
  if (method !== 'GET' && method !== 'HEAD' && route.endpoint?.body !== 'none') return null;
  const judged = [claims.set, claims.cap, claims.features].some((claim) => claim !== undefined);
  return judged || modelLists(claims, route).length > 0 ? deny('unsupported_body') : null;
}

/** `unsupported_body` when a body that must be read is encoded. */
export function checkEncoding(arrival: Arrival): Denial | null {
  const encoding = arrival.header('content-encoding')?.trim().toLowerCase() ?? '';
  return encoding === '' || encoding === 'identity' ? null : deny('unsupported_body');
}

const plans = new WeakMap<Claims, Map<Endpoint | null, ScanPlan>>();

function planFor(claims: Claims, route: Route): ScanPlan {
  const row = route.endpoint;
  const ofClaims = plans.get(claims) ?? new Map<Endpoint | null, ScanPlan>();
  plans.set(claims, ofClaims);
  const known = ofClaims.get(row);
  if (known !== undefined) return known;
  const models: Pointer[] = [];
  for (const place of modelLists(claims, route).length > 0 ? (row?.models ?? []) : []) {
    if (place.in === 'body') models.push(place.at);
    // A JSON body on a form endpoint: an upstream that takes it reads the same names.
    if (place.in === 'form') models.push([place.name]);
  }
  const forced = Object.keys(claims.set ?? {}).map((name) => [name]);
  const capped = claims.cap === undefined ? [] : (row?.capGroups ?? []).flat();
  const plan = createScanPlan(models, featureRules(claims, row), [...forced, ...capped]);
  ofClaims.set(row, plan);
  return plan;
}

function checkFeatures(claims: Claims, used: readonly string[]): Denial | null {
  const refused = used.find((feature) => !claims.features?.includes(feature));
  return refused === undefined ? null : deny('feature_denied', { param: refused });
}

function checkJson(claims: Claims, route: Route, bytes: Uint8Array): Denial | null {
  const found = scanBody(bytes, planFor(claims, route));
  if (isDenial(found)) return found;
  return checkBodyModels(claims, route, found.models) ?? checkFeatures(claims, found.features);
}

function checkForm(claims: Claims, route: Route, fields: ReadonlyMap<string, string>): Denial | null {
  const models: string[] = [];
  for (const place of route.endpoint?.models ?? []) {
    const name =
      place.in === 'form' ? place.name : place.in === 'body' && place.at.length === 1 ? place.at[0] : null;
    const model = name == null ? undefined : fields.get(name);
    if (model !== undefined) models.push(model);
  }
  const used = featureRules(claims, route.endpoint).filter((rule) =>
    [...fields].some(
      // Form values are text: `2` and `true` are judged as the words they are.
      ([name, text]) => pointsTo(rule.at, [name], 'lenient') && usesFeature(rule, readField(text)),
    ),
  );
  return (
    checkBodyModels(claims, route, models) ??
    checkFeatures(
      claims,
      used.map((rule) => rule.feature),
    )
  );
}

function readField(text: string): Parameters<typeof usesFeature>[1] {
  if (/^\d+$/.test(text)) return { kind: 'number', text: () => text };
  if (text === 'false') return { kind: 'false', text: () => text };
  return { kind: 'string', text: () => text };
}

/** The first reason to refuse a body as it would be sent, or null. Call it only when `needsBody`. */
export function checkBody(
  claims: Claims,
  route: Route,
  bytes: Uint8Array,
  contentType: string | null,
  formFields: FormFields,
): Denial | null {
  if (bytes.length === 0) return checkBodyModels(claims, route, []);
  const body = route.endpoint?.body ?? 'any';
  if (isJsonType(contentType)) return checkJson(claims, route, bytes);
  const takesForms = body === 'multipart' || body === 'form' || body === 'any';
  if (takesForms && formFields !== null) return checkForm(claims, route, formFields);
  return deny('unsupported_body');
}
