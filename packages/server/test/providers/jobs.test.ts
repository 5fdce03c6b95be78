/**
 * Jobs and stored things over the whole registry (0033): what one subject makes, it reads by the sealed id, at the host and path that the provider
 * has; another subject behind the same key, and whoever has the provider's own id, is refused, and nothing is sent.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoint, IdMade, Provider } from '../../src/providers/provider.ts';
import { REGISTRY } from '../../src/providers/registry.ts';
import { fill, type RowRequest, requestFor } from '../support/rows.ts';
import { sampleVars, usableCredential } from '../support/samples.ts';
import { BEYOND, FURTHER } from './beyond.ts';
import { expectedOf, patternOf } from './expected.ts';
import { type Seen, startWire, type Wire, type WireResult } from './wire.ts';

const takesIds = ({ kind, takes = [] }: Endpoint) =>
  (kind === 'job' || kind === 'account') && takes.some((place) => place.in !== 'body');
const WITH_IDS = REGISTRY.filter(({ enabled, endpoints }) => enabled && endpoints.some(takesIds));

/** Ids that come in a URL alone, and are followed in escaping.test.ts. */
const BY_URL: Readonly<Record<string, string>> = { replicate: 'stream', google: 'upload' };

/** What the upstream answers, by origin and path of what it is asked. */
const answers = new Map<string, object>();
let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    answer: (seen: Seen) => ({ body: JSON.stringify(answers.get(whereOf(seen)) ?? {}) }),
  });
});
afterAll(() => wire.close());

const whereOf = ({ origin, target }: Seen) => origin + target.split('?')[0];
const rawOf = (kind: string) => `raw-${kind}-1`;

/** An answer that names an id in each place of the row's. */
function answerOf({ makes = [] }: Endpoint): object {
  const body: Record<string, unknown> = {};
  for (const { at, kind, prefix = '' } of makes) putAt(body, at, prefix + rawOf(kind));
  return body;
}

function putAt(target: object, at: readonly string[], value: string): void {
  const steps = at.filter((step) => step !== '**');
  let here = target as Record<string, unknown>;
  for (const [i, step] of steps.entries()) {
    const key = step === '*' ? '0' : step;
    // what one place has filled as a list or an object another does not
    if (step === '*' && !Array.isArray(here)) return;
    if (i === steps.length - 1) here[key] ??= value;
    else here[key] ??= steps[i + 1] === '*' ? [] : {};
    if (typeof here[key] !== 'object') return;
    here = here[key] as Record<string, unknown>;
  }
}

function readAt(body: unknown, { at, prefix = '' }: IdMade): string | null {
  let here: unknown = body;
  for (const step of at.filter((one) => one !== '**'))
    here = (here as Record<string, unknown> | undefined)?.[step === '*' ? '0' : step];
  return typeof here === 'string' && here.startsWith(prefix) ? here.slice(prefix.length) : null;
}

interface At {
  readonly entry: Provider;
  readonly row: Endpoint;
  readonly root: string;
}

function rowsOf(entry: Provider, keep: (row: Endpoint) => boolean): At[] {
  const vars = sampleVars(entry);
  return entry.endpoints.filter(keep).flatMap((row) =>
    (row.root === undefined ? entry.roots : [row.root]).map((root) => ({
      entry,
      row,
      root: fill(root, vars),
    })),
  );
}

async function call(at: At, subject: string, request: RowRequest, sent: string): Promise<WireResult> {
  const { entry, row } = at;
  answers.set(originOf(at) + sent, answerOf(row));
  const { path, query, headers, body } = request;
  return await wire.send({
    provider: entry.id,
    credential: usableCredential(entry),
    method: row.method,
    path,
    headers,
    body,
    ...(query !== undefined && { query }),
    options: { subject, ...opening(entry) },
  });
}

/** The rows of the account, and all others beside them, as a token's `paths` names them. */
function opening({ endpoints }: Provider): { readonly allowedPaths?: readonly string[] } {
  if (!endpoints.some((row) => row.kind === 'account' && takesIds(row))) return {};
  const paths = endpoints.map(
    ({ method, path }) => `${method} ${path.replace(/\{.*$/, '*').replace(/[^/]\*$/, '/*')}`,
  );
  return { allowedPaths: [...new Set(paths)] };
}

/** The host by a list that was written by hand, not from the entry. */
function originOf({ entry, root }: At): string {
  const [alias] = /^\/~[a-z0-9]+/.exec(root) ?? [];
  if (alias === undefined) return fill(entry.origin, sampleVars(entry));
  const origin = FURTHER[entry.id]?.[alias];
  if (origin === undefined) throw new Error(`no host is known for ${alias} of ${entry.id}: beyond.ts`);
  return origin;
}

const bare = (path: string) => path.replace(/^\/~[a-z0-9]+/, '');

/** Whether something of the kind can be asked for at all: conversations, at those who have OpenAI's answers alone, can not. */
function isAskedFor({ endpoints, ids }: Provider, kind: string): boolean {
  const other = ids.find((one) => one.kind === kind)?.with;
  return endpoints.some((row) =>
    (row.takes ?? []).some((place) => place.in !== 'body' && (place.kind === kind || place.kind === other)),
  );
}

/** Whether the facts name a job's path, or the row says that it is assumed. Those of accounts stand there as a whole (`ANY /v1/files*`). */
function isKnown({ entry, row, root }: At): boolean {
  if (row.kind === 'account' || row.assumed === true) return true;
  const vars = sampleVars(entry);
  const asked = `${row.method} ${bare(root)}${row.path.replace(/\{(\w+)\}/g, '$1')}`;
  const known = [...expectedOf(entry).paths, ...(BEYOND[entry.id] ?? [])].map((path) =>
    patternOf(path, vars),
  );
  if (!known.some((pattern) => pattern.test(asked))) throw new Error(`no fact names ${asked} of ${entry.id}`);
  return true;
}

/** Sealed ids by kind, from calls that make them; a call that takes ids itself is made without any. */
async function makeAll(entry: Provider): Promise<Map<string, string>> {
  const sealed = new Map<string, string>();
  const makers = rowsOf(
    entry,
    ({ kind, method, takes = [], makes = [] }) =>
      kind !== 'job' && method === 'POST' && !takes.some((place) => place.in === 'path') && makes.length > 0,
  );
  for (const at of makers) {
    const request = requestFor(at, { all: 'demo' });
    const { status, body } = await call(at, 'ana', request, bare(request.path));
    expect([request.path, status]).toEqual([request.path, 200]);
    const answer: unknown = JSON.parse(body.toString());
    for (const made of at.row.makes ?? []) {
      const id = readAt(answer, made);
      if (id === null || !isAskedFor(entry, made.kind)) continue;
      expect([at.row.path, made.at, id]).toEqual([at.row.path, made.at, expect.stringMatching(/^rai_/)]);
      // the same id looks the same wherever it is named
      expect(sealed.get(made.kind) ?? id).toBe(id);
      sealed.set(made.kind, id);
    }
  }
  return sealed;
}

/** The request of a row with `idOf(kind)` in each place that takes one. */
function jobRequest({ entry, row, root }: At, idOf: (kind: string) => string): RowRequest {
  const segments: Record<string, string> = {};
  const query = new URLSearchParams();
  for (const place of row.takes ?? []) {
    if (place.in === 'path') segments[place.segment] = idOf(place.kind);
    if (place.in === 'query') query.set(place.name, idOf(place.kind));
  }
  const path = root + fill(row.path, { ...sampleVars(entry), ...segments });
  const { headers, body } = requestFor({ entry, row, root }, { all: 'demo' });
  return { path, headers, body, ...(query.size > 0 && { query: query.toString() }) };
}

describe('A29 what was made, its id sealed', () => {
  it.each(WITH_IDS.map((entry) => [entry.id, entry] as const))('%s', async (id, entry) => {
    const sealed = await makeAll(entry);
    const jobs = rowsOf(entry, takesIds);
    for (const at of jobs) {
      const kinds = (at.row.takes ?? []).map(({ kind }) => kind);
      if (kinds.includes(BY_URL[id] ?? '')) continue;
      expect([at.row.path, kinds.filter((kind) => !sealed.has(kind))]).toEqual([at.row.path, []]);
      expect(isKnown(at)).toBe(true);
      const own = jobRequest(at, (kind) => sealed.get(kind) as string);
      const raw = jobRequest(at, rawOf);
      const got = await call(at, 'ana', own, bare(raw.path));
      // a credential in the query stands behind it
      const target = bare(raw.path) + (raw.query === undefined ? '' : `?${raw.query}`);
      expect([own.path, got.status, got.seen?.origin, got.seen?.target.slice(0, target.length)]).toEqual([
        own.path,
        200,
        originOf(at),
        target,
      ]);
      const answer: unknown = JSON.parse(got.body.toString());
      for (const made of at.row.makes ?? []) {
        const named = readAt(answer, made);
        if (named !== null && isAskedFor(entry, made.kind))
          expect([made.at, named]).toEqual([made.at, sealed.get(made.kind)]);
      }
      const { query: _, ...unnamed } = own;
      const isByQuery = at.row.kind === 'job' && own.query !== undefined;
      for (const [subject, request] of [
        // a job that nobody names might be everybody's
        ...(isByQuery ? [['ana', unnamed] as const] : []),
        ['ben', own],
        ['ben', raw],
        ['ana', raw],
      ] as const) {
        const { status, seen } = await call(at, subject, request, bare(raw.path));
        expect([request.path, subject, status, seen]).toEqual([request.path, subject, 403, null]);
      }
    }
  });
});

const TAKES_IN_BODY = WITH_IDS.filter(({ endpoints }) =>
  endpoints.some((row) => row.takes?.some((place) => place.in === 'body')),
);

describe('A29 a call that goes on from an earlier one', () => {
  it.each(TAKES_IN_BODY.map((entry) => [entry.id, entry] as const))('%s', async (_, entry) => {
    const sealed = await makeAll(entry);
    for (const at of rowsOf(entry, ({ takes }) => takes?.some((place) => place.in === 'body') === true)) {
      const plain = requestFor(at, { all: 'demo' });
      // of a row with a path of its own the first test has seen that ids are opened
      if (at.row.takes?.some((place) => place.in === 'path')) continue;
      const members = JSON.parse(String(plain.body)) as object;
      for (const place of at.row.takes ?? []) {
        if (place.in !== 'body' || !isAskedFor(entry, place.kind)) continue;
        const bodyWith = (text: string) => {
          const body = structuredClone(members);
          putAt(body, place.at, (place.prefix ?? '') + text);
          return { ...plain, body: JSON.stringify(body) };
        };
        const where = `${at.row.path} ${place.at.join('.')}`;
        const id = sealed.get(place.kind) as string;
        const own = await call(at, 'ana', bodyWith(id), bare(plain.path));
        expect([where, own.status]).toEqual([where, 200]);
        expect([where, own.seen?.body.toString()]).toEqual([where, bodyWith(rawOf(place.kind)).body]);
        for (const [subject, text] of [
          ['ben', id],
          ['ben', rawOf(place.kind)],
          ['ana', rawOf(place.kind)],
        ] as const) {
          const { status, seen } = await call(at, subject, bodyWith(text), bare(plain.path));
          expect([where, subject, status, seen]).toEqual([where, subject, 403, null]);
        }
      }
    }
  });
});
