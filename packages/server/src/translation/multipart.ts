/**
 * multipart/form-data (RFC 7578) in one strict reading, and its rebuilding under a boundary of ours: what was checked is
 * exactly what an upstream can read. Everything that two parsers could take differently is refused (behaviour §6).
 */
import { encodeBase64Url, encodeUtf8, randomBytes } from 'relayapi-token';

/** One part. */
export interface FormPart {
  readonly name: string;
  /** Null for a plain field. */
  readonly fileName: string | null;
  readonly contentType: string | null;
  readonly content: Uint8Array;
}

const MAX_PARTS = 128;
const MAX_PART_HEAD = 4096;
const CONTENT_TYPE =
  /^multipart\/form-data[ \t]*;[ \t]*boundary=(?:"([0-9A-Za-z'()+_,./:=? -]{1,70})"|([0-9A-Za-z'+_.-]{1,70}))$/i;
// No backslash, no escaped quote, no `name*`, no unquoted value.
const DISPOSITION = /^form-data[ \t]*;[ \t]*name="([^"\\]+)"(?:[ \t]*;[ \t]*filename="([^"\\]*)")?$/i;
const PART_TYPE = /^[\x20-\x7e]{1,256}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** The boundary that a content type names; null when it is no multipart/form-data, or names more than that. */
export function boundaryOf(contentType: string | null): string | null {
  const match = CONTENT_TYPE.exec((contentType ?? '').trim());
  const boundary = match?.[1] ?? match?.[2] ?? null;
  return boundary === null || boundary.endsWith(' ') ? null : boundary;
}

/** The parts of a body; null when it departs from the grammar in any way. */
export function parseMultipart(bytes: Uint8Array, boundary: string): readonly FormPart[] | null {
  // One character per byte, so that offsets agree; only ASCII is looked for in it.
  const text = new TextDecoder('latin1').decode(bytes);
  const delimiter = `--${boundary}`;
  if (!text.startsWith(`${delimiter}\r\n`)) return null;
  const parts: FormPart[] = [];
  const names = new Set<string>();
  let at = delimiter.length + 2;
  for (;;) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd === -1 || headEnd - at > MAX_PART_HEAD) return null;
    const head = parsePartHead(bytes.subarray(at, headEnd));
    const start = headEnd + 4;
    const end = text.indexOf(`\r\n${delimiter}`, start);
    if (head === null || end === -1 || parts.length === MAX_PARTS) return null;
    // `files[]` is the one form of a repeated name that every parser reads as a list.
    if (names.has(head.name) && !head.name.endsWith('[]')) return null;
    names.add(head.name);
    parts.push({ ...head, content: bytes.subarray(start, end) });
    const after = end + 2 + delimiter.length;
    if (text.startsWith('--', after)) {
      const epilogue = text.slice(after + 2);
      return epilogue === '' || epilogue === '\r\n' ? parts : null;
    }
    if (!text.startsWith('\r\n', after)) return null;
    at = after + 2;
  }
}

function parsePartHead(bytes: Uint8Array): Omit<FormPart, 'content'> | null {
  const text = decodeStrict(bytes);
  if (text === null) return null;
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon === -1 || headers.has(name) || CONTROL.test(line)) return null;
    if (name !== 'content-disposition' && name !== 'content-type' && name !== 'content-length') return null;
    headers.set(name, value);
  }
  const match = DISPOSITION.exec(headers.get('content-disposition') ?? '');
  const contentType = headers.get('content-type') ?? null;
  if (match === null || (contentType !== null && !PART_TYPE.test(contentType))) return null;
  const [, name = '', fileName = null] = match;
  // an encoded word (RFC 2047): parsers made for mail decode it, others take it as it stands
  if (name.includes('=?')) return null;
  return { name, fileName, contentType };
}

/** The plain fields as text; null when one is no UTF-8. */
export function fieldsOf(parts: readonly FormPart[]): ReadonlyMap<string, string> | null {
  const fields = new Map<string, string>();
  for (const part of parts) {
    if (part.fileName !== null) continue;
    const text = decodeStrict(part.content);
    if (text === null) return null;
    fields.set(part.name, text);
  }
  return fields;
}

/** A body of these parts and its content type. Plain fields lose their own content type, so that none can name a charset. */
export function buildMultipart(parts: readonly FormPart[]): { bytes: Uint8Array; contentType: string } {
  const boundary = `relayapi-${encodeBase64Url(randomBytes(18))}`;
  const pieces: Uint8Array[] = [];
  for (const { name, fileName, contentType, content } of parts) {
    const file = fileName === null ? '' : `; filename="${fileName}"`;
    const type = fileName === null || contentType === null ? '' : `content-type: ${contentType}\r\n`;
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n${type}\r\n`;
    pieces.push(encodeUtf8(head), content, encodeUtf8('\r\n'));
  }
  pieces.push(encodeUtf8(`--${boundary}--\r\n`));
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return { bytes, contentType: `multipart/form-data; boundary=${boundary}` };
}

function decodeStrict(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
