/** What a dialect is given and what it gives back. Types and small constructors; no sockets here. */
import type { Knobs } from './knob-table.ts';
import type { RecordedRequest } from './recorder.ts';

/** The shapes of answers and errors the demo provider speaks. */
export type Dialect =
  | 'openai'
  | 'responses'
  | 'anthropic'
  | 'gemini'
  | 'deepl'
  | 'cohere'
  | 'replicate'
  | 'assemblyai'
  | 'bedrock'
  | 'mcp';

/** What was begun and may be asked for later (predictions, transcripts), by its id. */
export type Jobs = Map<string, Readonly<Record<string, unknown>>>;

/** One parsed request. */
export interface Call {
  readonly request: RecordedRequest;
  /** Path without the query, as sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** The parsed JSON body; an empty object where the endpoint has none. */
  readonly json: Record<string, unknown>;
  readonly model: string;
  readonly knobs: Knobs;
  /** The credential as the dialect carries it, without its scheme. */
  readonly credential: string;
  /** A number unique since the start or the last reset, for ids. */
  readonly serial: number;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly jobs: Jobs;
}

/** An answer before the wire knobs work on it. */
export interface Reply {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  contentType: string;
  /** The whole body, unless `frames` is there. */
  body: string | Buffer;
  /** A stream, frame by frame. */
  frames?: Iterable<string | Buffer>;
  /** What the dialect writes into a stream when it fails. */
  errorFrame?: string | Buffer;
}

/** So many are kept, the newest. */
const MAX_JOBS = 1_000;

/** Keeps a job for later requests; the oldest make room. */
export function keepJob(jobs: Jobs, id: string, job: Readonly<Record<string, unknown>>): void {
  const [oldest] = jobs.keys();
  if (jobs.size >= MAX_JOBS && oldest !== undefined) jobs.delete(oldest);
  jobs.set(id, job);
}

/** A whole JSON answer. */
export function jsonReply(value: unknown, status = 200): Reply {
  return { status, headers: {}, contentType: 'application/json', body: JSON.stringify(value) };
}

/** A server-sent-events answer. `errorFrame` is what the dialect sends when a stream fails. */
export function streamReply(frames: Iterable<string>, errorFrame: string): Reply {
  return {
    status: 200,
    headers: {},
    contentType: 'text/event-stream; charset=utf-8',
    body: '',
    frames,
    errorFrame,
  };
}

/** One SSE frame without an event name. */
export function dataFrame(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** One SSE frame whose event name is the value's own `type`. */
export function typedFrame(value: { type: string } & Record<string, unknown>): string {
  return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
}

/** A member of an unknown value, if that is an object. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** The text of a message content: a string, or a list of parts that carry `text`. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content))
    return content
      .map(textOf)
      .filter((text) => text !== '')
      .join(' ');
  const text = member(content, 'text');
  if (typeof text === 'string') return text;
  const inner = member(content, 'content') ?? member(content, 'parts');
  return inner === undefined ? '' : textOf(inner);
}

/** The text of the last entry whose role is `user` (or that has no role). */
export function lastUserText(messages: readonly unknown[]): string {
  for (let i = messages.length - 1; i >= 0; i--) {
    const role = member(messages[i], 'role');
    if (role === 'user' || role === undefined) {
      const text = textOf(messages[i]);
      if (text !== '') return text;
    }
  }
  return '';
}

/** The JSON object that the echo knobs answer with. */
export function echoOf(call: Pick<Call, 'request' | 'body'>): string {
  const { method, rawTarget, rawHeaders } = call.request;
  return JSON.stringify({
    method,
    target: rawTarget,
    rawHeaders,
    headers: call.request.headers,
    body: call.body.toString(),
  });
}
