/** Short forms for rows of APIs with a language of their own: speech, images, video, tools. Data only. */
import { defineProvider, type ProviderSeed } from './define.ts';
import type {
  Endpoint,
  ExchangedAuth,
  IdKind,
  IdMade,
  ModelPlace,
  Provider,
  WebSocketRow,
} from './provider.ts';

type More = Partial<Omit<Endpoint, 'path' | 'models' | 'body'>>;
type Models = Endpoint['models'];

function row(path: string, body: Endpoint['body'], models: Models, more: More): Endpoint {
  return { method: 'POST', path, kind: 'inference', dialect: 'opaque', body, models, capGroups: [], ...more };
}

/** POST with a JSON body. */
export function jsonRow(path: string, models: Models, more: More = {}): Endpoint {
  return row(path, 'json', models, more);
}

/** POST with a multipart form. */
export function formRow(path: string, models: Models, more: More = {}): Endpoint {
  return row(path, 'multipart', models, more);
}

/** POST with a body of any type: raw audio, a document, or one of several forms. */
export function anyRow(path: string, models: Models, more: More = {}): Endpoint {
  return row(path, 'any', models, more);
}

/** GET that computes: the question is in the query. */
export function askRow(path: string, models: Models = []): Endpoint {
  return row(path, 'none', models, { method: 'GET' });
}

/** Ids of jobs, sealed for who began them (0033). */
export const JOB_IDS: readonly IdKind[] = [{ kind: 'job' }];

/** Where an answer names a job: by its top-level `id` unless said otherwise. */
export function jobId(...at: readonly string[]): IdMade {
  return { kind: 'job', at: at.length === 0 ? ['id'] : at };
}

/** GET of what an earlier call made, by its id in the segment `{job}`. `makes` says where the answer names the id again. */
export function readRow(path: string, makes: readonly IdMade[] = [jobId()], more: More = {}): Endpoint {
  const takes: Endpoint['takes'] = [{ kind: 'job', in: 'path', segment: 'job' }];
  return row(path, 'none', [], { method: 'GET', kind: 'job', takes, makes, ...more });
}

/** GET of a list that is the same for everybody: models, stock voices. */
export function listRow(path: string): Endpoint {
  return row(path, 'none', [], { method: 'GET', kind: 'models' });
}

/**
 * POST that goes on with a state found by a name that the caller makes up (a user, a session): anybody behind the same key may make up the
 * same one, so it is closed by default, and a token's `paths` names the state.
 */
export function namedRow(path: string, models: Models, more: More = {}): Endpoint {
  return row(path, 'json', models, { kind: 'account', tags: ['stateful'], ...more });
}

/** A POST that would fit an open row's pattern and is not for everybody. */
export function closedRow(path: string): Endpoint {
  return row(path, 'any', null, { kind: 'account' });
}

/** The model is a member of the body. */
export function member(...at: readonly string[]): ModelPlace {
  return { in: 'body', at };
}

/** The model is a field of the form. */
export function field(name: string): ModelPlace {
  return { in: 'form', name };
}

/** The model is a segment of the path. */
export function segment(name: string): ModelPlace {
  return { in: 'path', segment: name };
}

const FETCHED_BEARER: ExchangedAuth['put'] = {
  kind: 'header',
  name: 'authorization',
  template: 'Bearer {access_token}',
};

/** A short-lived token, sent as a bearer token unless said otherwise. */
export function exchanged(
  by: ExchangedAuth['by'],
  put: ExchangedAuth['put'] = FETCHED_BEARER,
): ExchangedAuth {
  return { kind: 'exchanged', by, put };
}

/** A WebSocket that the provider offers. */
export function socket(
  url: string,
  serverAuth: string,
  browserAuth: string | null,
  verified = true,
): WebSocketRow {
  return { url, serverAuth, browserAuth, verified };
}

/** Rows of a call that starts a job and takes long: its result is read by the id that its answer names there. */
export function starts(...makes: readonly IdMade[]): More {
  return { tags: ['stateful', 'costly'], makes };
}

/** Rows whose answer is audio, an image or another file as it comes. */
export const BINARY: More = { stream: 'binary' };

/** Full entries, of the same date. */
export function defineOwn(seeds: readonly Omit<ProviderSeed, 'asOf'>[]): readonly Provider[] {
  return seeds.map((seed) => defineProvider({ asOf: '2026-11', ...seed }));
}
