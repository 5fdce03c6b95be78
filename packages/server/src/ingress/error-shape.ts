/** Which error body the caller's SDK reads, told by how the path ends (behaviour §7). Stateless: a refused request has no route yet. */
import { LRUCache } from 'lru-cache';
import type { ErrorShape } from '../dialects/dialect.ts';

const ANTHROPIC = /\/messages(?:\/count_tokens|\/batches)?\/?$/;
const GOOGLE = /^\/(?:v1beta)\/|:[A-Za-z]+$/;
const OPENAI =
  /\/(?:chat\/completions|completions|responses|embeddings|moderations|images\/(?:generations|edits|variations)|audio\/(?:speech|transcriptions|translations))\/?$/;
/** AssemblyAI's: its SDK prints any other `error` than a text as "[object Object]". */
const TEXT = /\/(?:v2\/upload|transcript(?:\/[^/]+){0,2})\/?$/;
const JSON_RPC = /\/(?:mcp|sse)\/?$/;

/** The shape for a path after the token. */
export function shapeFor(rest: string): ErrorShape {
  if (OPENAI.test(rest)) return 'openai';
  if (ANTHROPIC.test(rest)) return 'anthropic';
  if (JSON_RPC.test(rest)) return 'jsonrpc';
  if (TEXT.test(rest)) return 'text';
  return GOOGLE.test(rest) ? 'google' : 'union';
}

/** Paths whose shape is remembered; callers choose them. */
const MAX_PATHS = 256;

/** `shapeFor` with a memory: callers ask for few paths, again and again. */
export function createShapeFinder(): { find(rest: string): ErrorShape } {
  const shapes = new LRUCache<string, ErrorShape>({ max: MAX_PATHS });
  return {
    find(rest) {
      const known = shapes.get(rest);
      if (known !== undefined) return known;
      const shape = shapeFor(rest);
      if (rest.length <= 128) shapes.set(rest, shape);
      return shape;
    },
  };
}
