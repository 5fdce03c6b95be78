/** One body language: how its errors look, how its streams break off, where its usage stands. One file per dialect beside this one. */
import type { ErrorRow } from '../errors.ts';
import type { Usage } from '../usage.ts';

/** The shape an error body takes. `union` is read well by nearly every SDK; `jsonrpc` is for MCP routes. */
export type ErrorShape = 'openai' | 'anthropic' | 'google' | 'jsonrpc' | 'union';

/** What an error body is made of. */
export interface ErrorParts {
  readonly code: string;
  readonly row: ErrorRow;
  /** The public message, complete. */
  readonly message: string;
  readonly param: string | null;
  /** Absent for `token_invalid`, whose bodies must be identical. */
  readonly requestId: string | null;
}

/** A dialect. */
export interface Dialect {
  readonly name: string;
  /** The error body as a JSON-able object. */
  errorBody(parts: ErrorParts): unknown;
  /** The frame that tells a streaming caller of a broken stream, or null where only destroying the socket is safe. */
  streamErrorFrame(parts: ErrorParts): string | null;
  /** Reads usage from a whole JSON answer or from the tail and head of a stream; null when none is there. */
  readUsage(text: string, streamed: boolean): Usage | null;
}
