/** `models`: every place that names a model must name an allowed one; unknown or missing is refused (behaviour spec §6). */
import type { Claims } from 'relayapi-token';
import { type Denial, deny } from '../../errors.ts';
import type { Route } from '../../exchange.ts';
import type { ModelPlace } from '../../providers/provider.ts';

const DENIED = deny('model_denied');

/** The lists that hold, each on its own: the token's and its vault entry's. Empty: any model may be named. */
export function modelLists(claims: Claims, route: Route): readonly (readonly string[])[] {
  return [claims.models, route.vaultModels].filter((list) => list !== undefined && list !== null);
}

/** Whether a model stands in a list, exactly or by an item that ends in `*`. */
function holdsModel(list: readonly string[], model: string): boolean {
  return list.some((item) => (item.endsWith('*') ? model.startsWith(item.slice(0, -1)) : model === item));
}

function mayUse(lists: readonly (readonly string[])[], model: string): boolean {
  return lists.every((list) => holdsModel(list, model));
}

/** Whether a place stands in the body, so that the head alone cannot decide. */
export function isBodyPlace(place: ModelPlace): boolean {
  return place.in === 'body' || place.in === 'form';
}

/** Models that path and query name; null when a place that must be there is not. */
function headModels(route: Route, places: readonly ModelPlace[]): string[] | null {
  const models: string[] = [];
  for (const place of places) {
    if (place.in === 'path') {
      const model = route.segments[place.segment];
      if (model === undefined || model === '') return null;
      const more = (place.more ?? [])
        .map((name) => route.segments[name])
        .filter((text) => text !== undefined);
      models.push([model, ...more].join('/'));
    } else if (place.in === 'query') {
      for (const [name, value] of route.query) if (name === place.name) models.push(value);
    }
  }
  return models;
}

function agree(models: readonly string[]): boolean {
  return models.every((model) => model === models[0]);
}

/** What path and query alone decide; a body that may name the model is left to `checkBodyModels`. */
export function checkHeadModels(claims: Claims, route: Route): Denial | null {
  const lists = modelLists(claims, route);
  if (lists.length === 0) return null;
  const places = route.endpoint?.models ?? null;
  if (places === null) return DENIED;
  const models = headModels(route, places);
  if (models === null || !agree(models) || !models.every((model) => mayUse(lists, model))) return DENIED;
  const decided = places.length === 0 || models.length > 0 || places.some(isBodyPlace);
  return decided ? null : DENIED;
}

/** The whole judgement once the body's models are known; `bodyModels` null means that one of them was no string. */
export function checkBodyModels(
  claims: Claims,
  route: Route,
  bodyModels: readonly string[] | null,
): Denial | null {
  const lists = modelLists(claims, route);
  const places = route.endpoint?.models ?? null;
  if (lists.length === 0 || places?.length === 0) return null;
  const head = places === null ? null : headModels(route, places);
  if (head === null || bodyModels === null) return DENIED;
  const prefix = route.endpoint?.modelPrefix ?? '';
  const named = bodyModels.map((model) => (model.startsWith(prefix) ? model.slice(prefix.length) : model));
  // Where the path names the model, the body may only repeat it.
  if (!agree(head) || (head.length > 0 && !named.every((model) => model === head[0]))) return DENIED;
  const all = [...head, ...named];
  return all.length > 0 && all.every((model) => mayUse(lists, model)) ? null : DENIED;
}
