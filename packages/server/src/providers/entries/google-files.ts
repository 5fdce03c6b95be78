/** Google's files: account rows, opened by `paths` alone, whose ids are then the subject's own (0033). */
import type { Endpoint, IdKind, IdMade, IdTaken } from '../provider.ts';

/** Uploads under way, and files. */
export const GOOGLE_IDS: readonly IdKind[] = [{ kind: 'upload' }, { kind: 'file', with: 'upload' }];

const FILE_URI = 'https://generativelanguage.googleapis.com/v1beta/files/';

function fileAt(...at: readonly string[]): IdMade[] {
  return [
    { kind: 'file', at: [...at, 'name'], prefix: 'files/' },
    { kind: 'file', at: [...at, 'uri'], prefix: FILE_URI },
  ];
}

// Protobuf JSON takes a member under its camel and its snake name.
const FILES_IN_BODY: readonly IdTaken[] = ['fileData', 'file_data'].flatMap((data) =>
  ['fileUri', 'file_uri'].map(
    (uri): IdTaken => ({ kind: 'file', in: 'body', at: ['**', data, uri], prefix: FILE_URI }),
  ),
);

/** An inference row whose body may refer to files. */
export function withFiles(row: Endpoint): Endpoint {
  return row.kind === 'inference' ? { ...row, takes: FILES_IN_BODY } : row;
}

const ACCOUNT: Omit<Endpoint, 'path' | 'method'> = {
  kind: 'account',
  dialect: 'gemini',
  body: 'none',
  models: [],
  tags: ['stateful'],
};
const OWN_FILE: Omit<Endpoint, 'method'> = {
  ...ACCOUNT,
  root: '/v1beta',
  path: '/files/{file}',
  takes: [{ kind: 'file', in: 'path', segment: 'file' }],
  makes: fileAt(),
};

/** Root of resumable uploads. */
export const UPLOAD_ROOT = '/upload/v1beta';

/** Names that a resumable upload sends. */
export const UPLOAD_HEADERS: readonly string[] = [
  'x-goog-upload-protocol',
  'x-goog-upload-command',
  'x-goog-upload-offset',
  'x-goog-upload-header-content-length',
  'x-goog-upload-header-content-type',
  'x-goog-upload-file-name',
];

/** Uploading, reading and deleting one's own. The list stays closed: it would show everybody's. */
export const GOOGLE_FILES: readonly Endpoint[] = [
  {
    ...ACCOUNT,
    method: 'POST',
    root: UPLOAD_ROOT,
    path: '/files',
    body: 'any',
    takes: [
      { kind: 'upload', in: 'query', name: 'upload_id' },
      // whoever begins an upload may choose its name, and so one that was somebody's: only one's own. All in JSON, so that no other protocol
      // brings a name along
      { kind: 'file', in: 'body', at: ['file', 'name'], prefix: 'files/', unlessQuery: 'upload_id' },
    ],
    makes: fileAt('file'),
    urls: [{ header: 'x-goog-upload-url' }],
    answerHeaders: ['x-goog-upload-url', 'x-goog-upload-status', 'x-goog-upload-chunk-granularity'],
  },
  { ...OWN_FILE, method: 'GET' },
  { ...OWN_FILE, method: 'DELETE', makes: [] },
];
