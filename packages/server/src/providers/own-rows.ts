/** Short forms for rows of APIs with a language of their own: speech, images, video, tools. Data only. */
import { defineProvider, type ProviderSeed } from './define.ts';
import type { Endpoint, ExchangedAuth, ModelPlace, Provider, WebSocketRow } from './provider.ts';

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

/** GET of what an earlier call made, by its id: any holder of the key can read it, so it is closed by default. */
export function readRow(path: string): Endpoint {
  return row(path, 'none', [], { method: 'GET', kind: 'account', tags: ['stateful'] });
}

/** GET of a list that is the same for everybody: models, stock voices. */
export function listRow(path: string): Endpoint {
  return row(path, 'none', [], { method: 'GET', kind: 'models' });
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

/** Rows of a call that starts a job and takes long: its result is read by an id. */
export const JOB: More = { tags: ['stateful', 'costly'] };

/** Rows whose answer is audio, an image or another file as it comes. */
export const BINARY: More = { stream: 'binary' };

/** Full entries, of the same date. */
export function defineOwn(seeds: readonly Omit<ProviderSeed, 'asOf'>[]): readonly Provider[] {
  return seeds.map((seed) => defineProvider({ asOf: '2026-11', ...seed }));
}
