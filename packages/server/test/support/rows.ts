/** Requests that fit a row of the registry: its path filled in, its body in the row's kind, a model in every place that names one. */
import type { Endpoint, ModelPlace, Provider } from '../../src/providers/provider.ts';
import { sampleVars } from './samples.ts';

/** A row with the root it is reached under. */
export interface OpenRow {
  readonly entry: Provider;
  readonly row: Endpoint;
  /** Filled in. */
  readonly root: string;
}

/** Rows that go on with what the caller names: open where the token's `paths` and the key file's name them. */
function isNamed({ kind, takes, tags }: Endpoint): boolean {
  return kind === 'account' && takes === undefined && tags?.includes('stateful') === true;
}

/** Rows that are open by default or by a name, those of any root under each of them. Without those of jobs, which want an id that was made before (`jobs.test.ts`). */
export function openRows(entry: Provider): OpenRow[] {
  const vars = sampleVars(entry);
  return entry.endpoints
    .filter((row) => (row.kind === 'account' ? isNamed(row) : row.kind !== 'job'))
    .flatMap((row) =>
      (row.root === undefined ? entry.roots : [row.root]).map((root) => ({
        entry,
        row,
        root: fill(root, vars),
      })),
    );
}

/** The template with its `{name}` filled from `values`, else with the name itself. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{([^}]+)\}/g, (_, name: string) => values[name] ?? name);
}

/** What a token has to name for a row: nothing, unless it is a GET that computes, which a mere link must not set off, or goes on with what is named. */
export function pathsFor({ entry, row }: OpenRow): { readonly allowedPaths?: readonly string[] } {
  if (isNamed(row)) return { allowedPaths: [`${row.method} ${fill(row.path, sampleVars(entry))}`] };
  return row.kind === 'inference' && row.method === 'GET' ? { allowedPaths: [`GET ${row.path}`] } : {};
}

/** A model by place; a place that is not listed has `all`. */
export interface Models {
  readonly all: string;
  readonly at?: ReadonlyMap<ModelPlace, string>;
}

/** What a caller sends for a row. */
export interface RowRequest {
  readonly path: string;
  readonly query?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData | null;
}

/** The request of a row with a model in each of its places. */
export function requestFor({ row, root }: OpenRow, models: Models): RowRequest {
  const places = row.models ?? [{ in: 'body', at: ['model'] } satisfies ModelPlace];
  const modelAt = (place: ModelPlace) => models.at?.get(place) ?? models.all;
  const segments: Record<string, string> = {};
  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  const form: [string, string][] = [];
  for (const place of places) {
    if (place.in === 'path') segments[place.segment] = fitting(row, place.segment, modelAt(place));
    else if (place.in === 'query') query.set(place.name, modelAt(place));
    else if (place.in === 'form') form.push([place.name, modelAt(place)]);
    else setAt(body, place.at, modelAt(place));
  }
  const path = root + fill(row.path.replace(/\/\*$/, '/rest'), segments);
  return {
    path,
    ...(query.size > 0 && { query: query.toString() }),
    ...bodyOf(row, body, form),
  };
}

/** The model as its segment takes it: where a pattern wants more, with the name of the models' family in front. */
function fitting({ segments }: Endpoint, name: string, model: string): string {
  const pattern = segments?.[name];
  if (pattern === undefined || new RegExp(`^(?:${pattern})$`, 'u').test(model)) return model;
  return `flux-${model}`;
}

function bodyOf(
  { body: kind }: Endpoint,
  members: object,
  fields: readonly [string, string][],
): Pick<RowRequest, 'headers' | 'body'> {
  if (kind === 'none') return { headers: {}, body: null };
  if (kind === 'multipart') {
    const data = new FormData();
    for (const [name, value] of fields) data.append(name, value);
    data.append('file', new Blob([Uint8Array.of(0, 13, 10, 255)]), 'a.bin');
    return { headers: {}, body: data };
  }
  if (kind === 'form') {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return { headers: type, body: new URLSearchParams(fields.map((field) => [...field])).toString() };
  }
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(members) };
}

/** Puts a value where a pointer leads: `*` is the first item of a list, `**` no level at all. */
function setAt(target: Record<string, unknown>, pointer: readonly string[], value: string): void {
  const steps = pointer.filter((step) => step !== '**');
  let here: Record<string, unknown> | unknown[] = target;
  for (const [index, step] of steps.entries()) {
    const key = step === '*' ? '0' : step;
    const known = (here as Record<string, unknown>)[key];
    if (index === steps.length - 1) {
      if (known === undefined) (here as Record<string, unknown>)[key] = value;
      return;
    }
    const next = known ?? (steps[index + 1] === '*' ? [] : {});
    (here as Record<string, unknown>)[key] = next;
    here = next as Record<string, unknown>;
  }
}
