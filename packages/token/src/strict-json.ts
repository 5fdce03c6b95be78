/**
 * Strict JSON (RFC 8259 grammar, nothing looser) on bytes: fatal UTF-8, no BOM, no duplicate members, bounded depth.
 * Two forms, a tree for small texts (headers, claims, files) and events with byte offsets for request bodies.
 */

/** Anything JSON can say. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [k: string]: JsonValue };

/** Why a text was refused. */
export type StrictJsonReason =
  | 'utf8'
  | 'bom'
  | 'syntax'
  | 'duplicate'
  | 'depth'
  | 'forbidden_name'
  | 'members'
  | 'number';

/** A text that is not strict JSON. The message holds no content, only reason and offset. */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';
  /** Byte offset of the fault. */
  readonly offset: number;
  readonly reason: StrictJsonReason;

  constructor(reason: StrictJsonReason, offset: number) {
    super(`not strict JSON (${reason}) at byte ${offset}`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** Bounds of both forms. */
export interface StrictJsonOptions {
  /** Deepest nesting of objects and arrays; default 16. */
  maxDepth?: number;
  /** Most members in one object; default 65,536. */
  maxMembers?: number;
  /** Lets `__proto__`, `constructor`, `prototype` stand as member names; default false. */
  allowForbiddenNames?: boolean;
}

/** Receives a JSON text as events, in order. `path` is one reused array: copy it if kept. Offsets are bytes. */
export interface JsonVisitor {
  /** A member name; `start`..`end` includes the quotes. `path` already ends with it. */
  name?(path: readonly (string | number)[], decodedName: string, start: number, end: number): void;
  /** A scalar; `text()` decodes lazily (a string's content, else the literal). */
  value?(
    path: readonly (string | number)[],
    kind: 'string' | 'number' | 'true' | 'false' | 'null',
    start: number,
    end: number,
    text: () => string,
  ): void;
  /** An opening bracket at `start`. */
  enter?(path: readonly (string | number)[], kind: 'object' | 'array', start: number): void;
  /** The offset after the closing bracket, and how many members or items it held. */
  leave?(path: readonly (string | number)[], kind: 'object' | 'array', end: number, members: number): void;
}

/** The value of a whole text. Throws StrictJsonError. Objects have no prototype. */
export function parseStrictJson(_bytes: Uint8Array, _options?: StrictJsonOptions): JsonValue {
  throw new Error('not built yet');
}

/** Walks a whole text and tells `visitor`; builds no tree. Throws StrictJsonError, possibly after some events. */
export function scanStrictJson(
  _bytes: Uint8Array,
  _visitor: JsonVisitor,
  _options?: StrictJsonOptions,
): void {
  throw new Error('not built yet');
}
