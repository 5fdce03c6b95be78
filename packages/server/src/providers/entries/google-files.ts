/** Google's files: account rows, opened by `paths` alone, whose ids are then the subject's own (0033). */
import { under } from '../endpoints.ts';
import type { Endpoint, IdKind, IdMade, IdTaken } from '../provider.ts';

/** Uploads under way, and files. */
export const GOOGLE_IDS: readonly IdKind[] = [{ kind: 'upload' }, { kind: 'file', with: 'upload' }];

/** Google's own clients ask for `v1` from their third line on, for `v1beta` before; whichever it is, a file's URI may name either. */
const VERSIONS = ['v1beta', 'v1'];
const FILE_URIS = VERSIONS.map((version) => `https://generativelanguage.googleapis.com/${version}/files/`);

function fileAt(...at: readonly string[]): IdMade[] {
  return [
    { kind: 'file', at: [...at, 'name'], prefix: 'files/' },
    ...FILE_URIS.map((prefix): IdMade => ({ kind: 'file', at: [...at, 'uri'], prefix })),
  ];
}

// Protobuf JSON takes a member under its camel and its snake name.
const FILES_IN_BODY: readonly IdTaken[] = ['fileData', 'file_data'].flatMap((data) =>
  ['fileUri', 'file_uri'].flatMap((uri) =>
    FILE_URIS.map((prefix): IdTaken => ({ kind: 'file', in: 'body', at: ['**', data, uri], prefix })),
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
  path: '/files/{file}',
  takes: [{ kind: 'file', in: 'path', segment: 'file' }],
  makes: fileAt(),
};

/** Roots of resumable uploads. */
export const UPLOAD_ROOTS: readonly string[] = VERSIONS.map((version) => `/upload/${version}`);

/** Names that a resumable upload sends. */
export const UPLOAD_HEADERS: readonly string[] = [
  'x-goog-upload-protocol',
  'x-goog-upload-command',
  'x-goog-upload-offset',
  'x-goog-upload-header-content-length',
  'x-goog-upload-header-content-type',
  'x-goog-upload-file-name',
];

const UPLOAD: Endpoint = {
  ...ACCOUNT,
  method: 'POST',
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
};

/** Uploading, reading and deleting one's own. The list stays closed: it would show everybody's. */
export const GOOGLE_FILES: readonly Endpoint[] = [
  ...under(UPLOAD_ROOTS, [UPLOAD]),
  ...under(
    VERSIONS.map((version) => `/${version}`),
    [
      { ...OWN_FILE, method: 'GET' },
      { ...OWN_FILE, method: 'DELETE', makes: [] },
    ],
  ),
];
