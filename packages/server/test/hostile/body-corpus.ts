/** Corpora of bodies and headers as this folder's JSON files hold them, and how a row's bytes are made and sent. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import type { RelayPath } from '../support/relay-fixture.ts';

/** Rows of one origin. */
export interface CorpusGroup<Row> {
  readonly group: string;
  readonly source: string;
  readonly licence: string;
  /** Stands before and behind every body of the group. */
  readonly wrap?: readonly [string, string];
  /** Ways into the relay on which the rows hold; absent: both. */
  readonly paths?: readonly RelayPath[];
  readonly rows: readonly Row[];
}

/** Where bytes come from: `text` as UTF-8, `hex`, or `before`, `unit` so many `times` with `%` for its number, `after`. */
export interface CorpusBytes {
  readonly text?: string;
  readonly hex?: string;
  readonly before?: string;
  readonly unit?: string;
  readonly times?: number;
  readonly after?: string;
}

/** The groups of a corpus file. Throws when a group does not say whose it is, or a row not what must happen. */
export function readCorpus<Row extends { readonly what: string; readonly must: unknown }>(
  name: string,
): readonly CorpusGroup<Row>[] {
  const file = join(import.meta.dirname, 'corpora', `${name}.json`);
  const { groups } = JSON.parse(readFileSync(file, 'utf8')) as { groups: CorpusGroup<Row>[] };
  for (const group of groups) {
    if (!group.source || !group.licence)
      throw new Error(`${name}: ${group.group} names no source or licence`);
    for (const row of group.rows)
      if (row.must === undefined) throw new Error(`${name}: ${row.what} says nothing`);
  }
  return groups;
}

/** `group: row` for titles, with the row and its group. */
export function rowsOf<Row extends { readonly what: string }>(
  groups: readonly CorpusGroup<Row>[],
  path?: RelayPath,
): [title: string, row: Row, group: CorpusGroup<Row>][] {
  return groups
    .filter((group) => path === undefined || (group.paths ?? [path]).includes(path))
    .flatMap((group) =>
      group.rows.map((row): [string, Row, CorpusGroup<Row>] => [`${group.group}: ${row.what}`, row, group]),
    );
}

/** The bytes of a row. */
export function bytesOf(row: CorpusBytes, wrap: readonly [string, string] = ['', '']): Buffer {
  const [before, after] = wrap;
  const units = Array.from({ length: row.times ?? 0 }, (_, i) => (row.unit ?? '').replace('%', String(i)));
  const middle =
    row.hex === undefined
      ? Buffer.from(row.text ?? `${row.before ?? ''}${units.join('')}${row.after ?? ''}`)
      : Buffer.from(row.hex, 'hex');
  return Buffer.concat([Buffer.from(before), middle, Buffer.from(after)]);
}

/** SHA-256 in hexadecimal. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Sends exactly these bytes. Status 0 when the connection broke before an answer; a break within one keeps what came. */
export function sendBytes(
  url: string,
  body: Buffer,
  headers: readonly (readonly [string, string])[],
  method = 'POST',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    const req = request(url, { method, agent });
    for (const [name, value] of headers) req.appendHeader(name, value);
    if (body.length > 0 || method === 'POST') req.setHeader('content-length', body.length);
    req.on('response', (res) => {
      let text = '';
      res.setEncoding('latin1').on('data', (piece: string) => {
        text += piece;
      });
      res.on('error', () => {});
      res.on('close', () => resolve({ status: res.statusCode ?? 0, body: text }));
    });
    req.on('error', () => resolve({ status: 0, body: '' }));
    req.end(body);
  });
}
