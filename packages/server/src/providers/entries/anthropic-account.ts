/** Anthropic's files and batches of messages: account rows, opened by `paths` alone, whose ids are then the subject's own (0033). Lists stay closed. */
import type { Endpoint, IdKind, IdTaken } from '../provider.ts';

/** What is kept. */
export const ANTHROPIC_IDS: readonly IdKind[] = [{ kind: 'file' }, { kind: 'batch' }];

const FILES_IN_BODY: readonly IdTaken[] = [{ kind: 'file', in: 'body', at: ['**', 'file_id'] }];

/** The rows with the files that messages refer to, and that the results of tools name. */
export function withFiles(rows: readonly Endpoint[]): readonly Endpoint[] {
  return rows.map((row) =>
    row.path.startsWith('/messages')
      ? { ...row, takes: FILES_IN_BODY, makes: [{ kind: 'file', at: ['**', 'file_id'] }] }
      : row,
  );
}

const ACCOUNT: Omit<Endpoint, 'path' | 'method'> = {
  kind: 'account',
  dialect: 'anthropic-messages',
  body: 'none',
  models: [],
  tags: ['stateful'],
};
const OWN_FILE: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  path: '/files/{file}',
  takes: [{ kind: 'file', in: 'path', segment: 'file' }],
  makes: [{ kind: 'file', at: ['id'] }],
};
const OWN_BATCH: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  path: '/messages/batches/{batch}',
  takes: [{ kind: 'batch', in: 'path', segment: 'batch' }],
  makes: [{ kind: 'batch', at: ['id'] }],
  urls: [{ at: ['results_url'] }],
};

/** One's own files and batches. What a batch asks for is not judged message by message: a token with `models`, `set` or `cap` starts none. */
export const ANTHROPIC_KEPT: readonly Endpoint[] = [
  { ...OWN_FILE, method: 'POST', path: '/files', body: 'multipart', takes: [] },
  { ...OWN_FILE, method: 'GET' },
  { ...OWN_FILE, method: 'DELETE' },
  { ...OWN_FILE, method: 'GET', path: '/files/{file}/content', makes: [] },
  {
    ...OWN_BATCH,
    method: 'POST',
    path: '/messages/batches',
    body: 'any',
    models: null,
    takes: FILES_IN_BODY,
    tags: ['stateful', 'costly'],
  },
  { ...OWN_BATCH, method: 'GET' },
  { ...OWN_BATCH, method: 'DELETE' },
  { ...OWN_BATCH, method: 'POST', path: '/messages/batches/{batch}/cancel' },
  { ...OWN_BATCH, method: 'GET', path: '/messages/batches/{batch}/results', makes: [], urls: [] },
];
