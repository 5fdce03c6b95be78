/** OpenAI's stored answers and files: account rows, opened by `paths` alone, whose ids are then the subject's own (0033). */
import type { Endpoint, IdKind, IdMade, IdTaken } from '../provider.ts';

/** An answer's items go with the answer: a request may refer to them, too. */
export const OPENAI_IDS: readonly IdKind[] = [
  { kind: 'response' },
  { kind: 'item', with: 'response' },
  { kind: 'file' },
];

const RESPONSE_IDS: readonly IdMade[] = [
  // the answer, and the same inside the events of a stream
  ...[[], ['response']].flatMap((at): IdMade[] => [
    { kind: 'response', at: [...at, 'id'] },
    { kind: 'response', at: [...at, 'previous_response_id'] },
    { kind: 'item', at: [...at, 'output', '*', 'id'] },
  ]),
  { kind: 'item', at: ['item', 'id'] },
  { kind: 'item', at: ['item_id'] },
];
const LISTED_ITEMS: readonly IdMade[] = [
  { kind: 'item', at: ['data', '*', 'id'] },
  { kind: 'item', at: ['first_id'] },
  { kind: 'item', at: ['last_id'] },
];
const FILE_ID: readonly IdMade[] = [{ kind: 'file', at: ['id'] }];

const inPath = (kind: string): IdTaken => ({ kind, in: 'path', segment: kind });
const FILES_IN_BODY: readonly IdTaken[] = [
  { kind: 'file', in: 'body', at: ['**', 'file_id'] },
  { kind: 'file', in: 'body', at: ['**', 'file_ids', '*'] },
];

/** An inference row whose body may refer to files. */
export function withFiles(row: Endpoint): Endpoint {
  return { ...row, takes: FILES_IN_BODY };
}

/** The row of `POST /responses`, which makes answers and goes on from them. */
export function withResponses(row: Endpoint): Endpoint {
  return {
    ...row,
    makes: RESPONSE_IDS,
    takes: [
      { kind: 'response', in: 'body', at: ['previous_response_id'] },
      { kind: 'item', in: 'body', at: ['input', '*', 'id'] },
      { kind: 'item', in: 'body', at: ['input', '*', 'approval_request_id'] },
      ...FILES_IN_BODY,
    ],
  };
}

const ACCOUNT: Omit<Endpoint, 'path' | 'method'> = {
  kind: 'account',
  dialect: 'openai-responses',
  body: 'none',
  models: [],
  tags: ['stateful'],
};
const OWN_RESPONSE = { ...ACCOUNT, takes: [inPath('response')], makes: RESPONSE_IDS };
const OWN_FILE: Omit<Endpoint, 'path' | 'method'> = {
  ...ACCOUNT,
  dialect: 'openai-chat',
  takes: [inPath('file')],
  makes: FILE_ID,
};

/** Reading, ending and deleting one's own. Lists stay closed: they would show everybody's. */
export const OPENAI_ACCOUNT: readonly Endpoint[] = [
  { ...OWN_RESPONSE, method: 'GET', path: '/responses/{response}' },
  { ...OWN_RESPONSE, method: 'DELETE', path: '/responses/{response}' },
  { ...OWN_RESPONSE, method: 'POST', path: '/responses/{response}/cancel' },
  {
    ...OWN_RESPONSE,
    method: 'GET',
    path: '/responses/{response}/input_items',
    takes: [inPath('response'), { kind: 'item', in: 'query', name: 'after' }],
    makes: LISTED_ITEMS,
  },
  { ...OWN_FILE, method: 'POST', path: '/files', body: 'multipart', takes: [] },
  { ...OWN_FILE, method: 'GET', path: '/files/{file}' },
  { ...OWN_FILE, method: 'DELETE', path: '/files/{file}' },
  { ...OWN_FILE, method: 'GET', path: '/files/{file}/content', makes: [] },
];
