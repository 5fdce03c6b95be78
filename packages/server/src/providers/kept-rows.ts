/**
 * What OpenAI's API keeps: answers, conversations, files, batches, videos. Account rows, opened by `paths` alone, whose ids are then the subject's
 * own (0033). Others that speak its language have the same rows, or are taken to. Lists stay closed: they would show everybody's.
 */
import { assumed, RESPONSES } from './endpoints.ts';
import type { Endpoint, IdKind, IdMade, IdTaken } from './provider.ts';

const inPath = (kind: string): IdTaken => ({ kind, in: 'path', segment: kind });
const ACCOUNT: Omit<Endpoint, 'path' | 'method'> = {
  kind: 'account',
  dialect: 'openai-chat',
  body: 'none',
  models: [],
  tags: ['stateful'],
};

/** An answer's items go with the answer, and with a conversation that holds them: a request may refer to them, too. */
const ANSWER_IDS: readonly IdKind[] = [{ kind: 'response' }, { kind: 'item', with: 'response' }];
/** Kinds that these rows name. */
export const KEPT_IDS: readonly IdKind[] = [
  ...ANSWER_IDS,
  { kind: 'conversation' },
  { kind: 'file' },
  { kind: 'batch' },
];
/** Kinds at OpenAI itself. */
export const OPENAI_IDS: readonly IdKind[] = [...KEPT_IDS, { kind: 'video' }];

// annotations and results of tools name files, at any depth
const FILES_NAMED: IdMade = { kind: 'file', at: ['**', 'file_id'] };
const FILES_IN_BODY: readonly IdTaken[] = [
  { kind: 'file', in: 'body', at: ['**', 'file_id'] },
  { kind: 'file', in: 'body', at: ['**', 'file_ids', '*'] },
];

const ANSWER_NAMES: readonly IdMade[] = [
  // the answer, and the same inside the events of a stream
  ...[[], ['response']].flatMap((at): IdMade[] => [
    { kind: 'response', at: [...at, 'id'] },
    { kind: 'response', at: [...at, 'previous_response_id'] },
    { kind: 'conversation', at: [...at, 'conversation', 'id'] },
    { kind: 'item', at: [...at, 'output', '*', 'id'] },
  ]),
  { kind: 'item', at: ['item', 'id'] },
  { kind: 'item', at: ['item_id'] },
  FILES_NAMED,
];
const LISTED_ITEMS: readonly IdMade[] = [
  { kind: 'item', at: ['data', '*', 'id'] },
  { kind: 'item', at: ['first_id'] },
  { kind: 'item', at: ['last_id'] },
  FILES_NAMED,
];

/** The rows with what `POST /responses` makes and goes on from, and with the files that bodies refer to. */
export function keeping(rows: readonly Endpoint[]): readonly Endpoint[] {
  return rows.map((row) => {
    if (row.path === '/responses') return { ...row, makes: ANSWER_NAMES, takes: ANSWER_TAKES };
    return row.path.endsWith('/chat/completions') ? { ...row, takes: FILES_IN_BODY } : row;
  });
}

const ANSWER_TAKES: readonly IdTaken[] = [
  { kind: 'response', in: 'body', at: ['previous_response_id'] },
  { kind: 'conversation', in: 'body', at: ['conversation'] },
  { kind: 'conversation', in: 'body', at: ['conversation', 'id'] },
  { kind: 'item', in: 'body', at: ['input', '*', 'id'] },
  { kind: 'item', in: 'body', at: ['input', '*', 'approval_request_id'] },
  ...FILES_IN_BODY,
];

/** What an answer would cost in tokens; nothing is kept. */
export const COUNT_ANSWER: Endpoint = {
  ...RESPONSES,
  path: '/responses/input_tokens',
  takes: ANSWER_TAKES,
  assumed: true,
};

const OWN_ANSWER: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  dialect: 'openai-responses',
  path: '/responses/{response}',
  takes: [inPath('response')],
  makes: ANSWER_NAMES,
};

/** Reading, ending and deleting one's own answers. */
export const KEPT_ANSWERS: readonly Endpoint[] = [
  { ...OWN_ANSWER, method: 'GET' },
  { ...OWN_ANSWER, method: 'DELETE' },
  { ...OWN_ANSWER, method: 'POST', path: '/responses/{response}/cancel' },
  {
    ...OWN_ANSWER,
    method: 'GET',
    path: '/responses/{response}/input_items',
    takes: [inPath('response'), { kind: 'item', in: 'query', name: 'after' }],
    makes: LISTED_ITEMS,
  },
];

const OWN_FILE: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  path: '/files/{file}',
  takes: [inPath('file')],
  makes: [{ kind: 'file', at: ['id'] }],
};

/** One's own files. */
export const KEPT_FILES: readonly Endpoint[] = [
  { ...OWN_FILE, method: 'POST', path: '/files', body: 'multipart', takes: [] },
  { ...OWN_FILE, method: 'GET' },
  { ...OWN_FILE, method: 'DELETE' },
  { ...OWN_FILE, method: 'GET', path: '/files/{file}/content', makes: [] },
];

const OWN_BATCH: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  path: '/batches/{batch}',
  takes: [inPath('batch')],
  makes: [
    { kind: 'batch', at: ['id'] },
    { kind: 'file', at: ['input_file_id'] },
    { kind: 'file', at: ['output_file_id'] },
    { kind: 'file', at: ['error_file_id'] },
  ],
};

/** One's own batches. Models and all else stand in the file, which nobody looks into: a token with `models`, `set` or `cap` starts none. */
export const KEPT_BATCHES: readonly Endpoint[] = [
  {
    ...OWN_BATCH,
    method: 'POST',
    path: '/batches',
    body: 'any',
    models: null,
    tags: ['stateful', 'costly'],
    takes: [{ kind: 'file', in: 'body', at: ['input_file_id'] }],
  },
  { ...OWN_BATCH, method: 'GET' },
  { ...OWN_BATCH, method: 'POST', path: '/batches/{batch}/cancel' },
];

const OWN_CONVERSATION: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  dialect: 'openai-responses',
  path: '/conversations/{conversation}',
  takes: [inPath('conversation')],
  makes: [{ kind: 'conversation', at: ['id'] }],
};
const CHANGE_CONVERSATION = { ...OWN_CONVERSATION, method: 'POST', body: 'json', capGroups: [] } as const;
const OWN_ITEMS = {
  ...OWN_CONVERSATION,
  path: '/conversations/{conversation}/items',
  makes: LISTED_ITEMS,
} as const;
const ITEMS_IN_BODY: readonly IdTaken[] = [
  { kind: 'item', in: 'body', at: ['items', '*', 'id'] },
  ...FILES_IN_BODY,
];

/** One's own conversations and what is said in them. */
export const KEPT_CONVERSATIONS: readonly Endpoint[] = [
  { ...CHANGE_CONVERSATION, path: '/conversations', takes: ITEMS_IN_BODY },
  { ...OWN_CONVERSATION, method: 'GET' },
  CHANGE_CONVERSATION,
  { ...OWN_CONVERSATION, method: 'DELETE' },
  {
    ...OWN_ITEMS,
    method: 'GET',
    takes: [inPath('conversation'), { kind: 'item', in: 'query', name: 'after' }],
  },
  {
    ...OWN_ITEMS,
    method: 'POST',
    body: 'json',
    capGroups: [],
    takes: [inPath('conversation'), ...ITEMS_IN_BODY],
  },
  ...['GET', 'DELETE'].map(
    (method): Endpoint => ({
      ...OWN_ITEMS,
      method,
      path: '/conversations/{conversation}/items/{item}',
      takes: [inPath('conversation'), inPath('item')],
      // a deletion answers with the conversation
      makes: method === 'GET' ? [{ kind: 'item', at: ['id'] }, FILES_NAMED] : (OWN_CONVERSATION.makes ?? []),
    }),
  ),
];

const OWN_VIDEO: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  dialect: 'opaque',
  path: '/videos/{video}',
  takes: [inPath('video')],
  makes: [
    { kind: 'video', at: ['id'] },
    { kind: 'video', at: ['remixed_from_video_id'] },
  ],
};

/** One's own videos. */
export const KEPT_VIDEOS: readonly Endpoint[] = [
  {
    ...OWN_VIDEO,
    method: 'POST',
    path: '/videos',
    body: 'any',
    models: null,
    takes: [],
    tags: ['stateful', 'costly'],
  },
  { ...OWN_VIDEO, method: 'GET' },
  { ...OWN_VIDEO, method: 'DELETE' },
  { ...OWN_VIDEO, method: 'GET', path: '/videos/{video}/content', makes: [], stream: 'binary' },
  {
    ...OWN_VIDEO,
    method: 'POST',
    path: '/videos/{video}/remix',
    body: 'any',
    models: null,
    tags: ['stateful', 'costly'],
  },
];

const KEPT_ALIKE = assumed(...KEPT_FILES, ...KEPT_BATCHES);
const ANSWERS_ALIKE = assumed(
  ...KEPT_ANSWERS.filter(({ method, path }) => method !== 'POST' && path === OWN_ANSWER.path),
);

/** The rows of an API that copies OpenAI's, and what it is taken to keep: none of it is open, and all of it sealed where it is opened. */
export function keepingAlike(rows: readonly Endpoint[]): readonly Endpoint[] {
  const answers = rows.some(({ path }) => path === '/responses') ? ANSWERS_ALIKE : [];
  const known = new Set(rows.map(({ method, path }) => `${method} ${path}`));
  const more = [...KEPT_ALIKE, ...answers].filter(({ method, path }) => !known.has(`${method} ${path}`));
  return [...keeping(rows), ...more];
}
