/**
 * One body language: how its streams break off and where its usage stands. One file per dialect beside this one.
 * Error bodies are not here: their shape follows the caller's path, not the upstream (render-error.ts).
 */
import type { ErrorRow } from '../errors.ts';
import type { Usage } from '../usage.ts';

/** The shape an error body takes. `union` is read well by nearly every SDK; `jsonrpc` is for MCP routes; `text` has the message itself as `error`. */
export type ErrorShape = 'openai' | 'anthropic' | 'google' | 'jsonrpc' | 'text' | 'union';

/** What an error body or frame is made of. */
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
  /** True where a stream tells part of its usage in its first events: then its head is kept as well as its tail. */
  readonly usageAtStart?: boolean;
  /** The frame that tells a streaming caller of a broken stream, or null where only destroying the socket is safe. */
  streamErrorFrame(parts: ErrorParts): string | null;
  /**
   * Reads usage from a whole answer, or from the tail of a long one (of a stream: its tail, with `usageAtStart` its head and a blank line before it).
   * `streamed` says that the text is an event stream. Null when no usage is there; throws nothing.
   */
  readUsage(text: string, streamed: boolean): Usage | null;
}
