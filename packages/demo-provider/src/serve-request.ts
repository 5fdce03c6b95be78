/** One request from its head to its answer: read, check the credential, let the dialect answer, play the knobs. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeSecret } from './answer.ts';
import { type Call, type Dialect, echoOf, type Jobs, jsonReply, type Reply } from './call.ts';
import { findCredentials } from './credential.ts';
import { errorReply } from './errors.ts';
import type { Knobs } from './knob-table.ts';
import { NO_KNOBS, parseKnobs } from './knobs.ts';
import { readBody } from './read-body.ts';
import type { RecordEntry } from './recorder.ts';
import { type Endpoint, findEndpoint, guessDialect, modelOfPath } from './routes.ts';
import { cutConnection, pause, sendReply } from './send-reply.ts';

const REQUEST_ID_HEADERS: Record<Dialect, string> = {
  openai: 'x-request-id',
  responses: 'x-request-id',
  anthropic: 'request-id',
  gemini: 'x-request-id',
  deepl: 'x-trace-id',
  cohere: 'x-debug-trace-id',
  replicate: 'x-request-id',
  assemblyai: 'x-request-id',
  bedrock: 'x-amzn-requestid',
  mcp: 'x-request-id',
};

/** What outlives one request. */
export interface ServeState {
  /** Accepted credentials; null accepts any that is not empty. */
  readonly keys: ReadonlySet<string> | null;
  readonly paceMs: number;
  /** How often each model name with the `flaky` knob has failed. */
  readonly flaky: Map<string, number>;
  readonly jobs: Jobs;
  serial: number;
}

/** Serves one request. `scripted` are knobs that the test gave beside those in the request. */
export async function serveRequest(
  request: IncomingMessage,
  response: ServerResponse,
  entry: RecordEntry,
  state: ServeState,
  scripted: string,
): Promise<void> {
  const target = request.url ?? '';
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const queryText = mark < 0 ? '' : target.slice(mark + 1);
  const credential = findCredentials(entry.request.headers, queryText)[0]?.value ?? '';
  const headSpec = [scripted, entry.request.headers['x-demo-knobs'] ?? '', afterHash(credential)];
  const pathModel = modelOfPath(path);

  const headKnobs = parseKnobs(joinSpecs([...headSpec, pathModel]));
  const outcome = await readBody(request, entry, 'problem' in headKnobs ? NO_KNOBS : headKnobs);
  if (outcome.kind === 'never' || outcome.kind === 'gone') return;

  const endpoint = findEndpoint(path, request.method ?? '', entry.request.headers);
  const dialect = endpoint?.dialect ?? guessDialect(path);
  const whole = endpoint?.body === 'json' ? parseObject(outcome.body) : {};
  const json = outcome.kind === 'early' ? (whole ?? unfinished(outcome.model)) : whole;
  const model = pathModel || modelOf(json, endpoint, outcome.body);
  const knobs = parseKnobs(joinSpecs([...headSpec, model]));
  const serial = ++state.serial;
  const send = (reply: Reply): Promise<void> => {
    reply.headers[REQUEST_ID_HEADERS[dialect]] = `req_demo${serial}`;
    return sendReply(response, reply, {
      knobs: 'problem' in knobs ? NO_KNOBS : knobs,
      credential,
      paceMs: state.paceMs,
      onCut: entry.markCut,
    });
  };
  if ('problem' in knobs) return send(errorReply(dialect, 400, knobs.problem));

  if (knobs !== NO_KNOBS && (await playBefore(response, knobs, entry))) return;
  const refusal = refuse(endpoint, dialect, json, credential, request.method ?? '', path, state.keys);
  if (refusal) return send(refusal);
  const call: Call = {
    request: entry.request,
    path,
    query: new URLSearchParams(queryText),
    body: outcome.body,
    json: json ?? {},
    model,
    knobs,
    credential,
    serial,
    now: Math.floor(entry.request.startedAt / 1000),
    jobs: state.jobs,
  };
  const chosen = endpoint as Endpoint;
  await send(knobs === NO_KNOBS ? chosen.answer(call) : answerWithKnobs(call, chosen, state));
  if (knobs.read === 'early') request.resume();
}

/** Plays what comes before an answer; true if there will be none. */
async function playBefore(response: ServerResponse, knobs: Knobs, entry: RecordEntry): Promise<boolean> {
  if (knobs.delayMs !== undefined) await pause(response, knobs.delayMs);
  if (response.destroyed || knobs.hang) return true;
  if (knobs.reset) {
    cutConnection(response, knobs.reset, entry.markCut);
    return true;
  }
  if (knobs.garbage) {
    response.socket?.write('SSH-2.0-not-http\r\nHTTP/9.9 abc\r\n\r\n');
    cutConnection(response, 'fin', entry.markCut);
    return true;
  }
  for (let i = 0; i < (knobs.informational ?? 0); i++)
    response.writeEarlyHints({ link: '</x.css>; rel=preload' });
  return false;
}

function refuse(
  endpoint: Endpoint | null,
  dialect: Dialect,
  json: Record<string, unknown> | null,
  credential: string,
  method: string,
  path: string,
  keys: ReadonlySet<string> | null,
): Reply | null {
  const bare = credential.split('#')[0] as string;
  if (bare === '' || (keys && !keys.has(bare) && !keys.has(credential))) {
    const message = bare === '' ? 'No API key provided.' : `Incorrect API key provided: ${maskKey(bare)}.`;
    return errorReply(dialect, dialect === 'deepl' ? 403 : 401, message);
  }
  if (endpoint === null) return errorReply(dialect, 404, `Unknown request URL: ${method} ${path}.`);
  if (json === null) return errorReply(dialect, 400, 'The body is not a JSON object.');
  return null;
}

/** Shows both ends of a key, as real services do in their 401 bodies. */
function maskKey(key: string): string {
  return key.length < 12 ? '***' : `${key.slice(0, 7)}***${key.slice(-4)}`;
}

function answerWithKnobs(call: Call, endpoint: Endpoint, state: ServeState): Reply {
  const { knobs } = call;
  if (knobs.redirect) {
    return {
      ...jsonReply({ moved: true }, knobs.redirect.status),
      headers: { location: knobs.redirect.location },
    };
  }
  if (knobs.html) {
    const page = '<!doctype html><title>demo</title><script>document.title = "ran"</script><p>Not an API.';
    return { status: 200, headers: {}, contentType: 'text/html; charset=utf-8', body: page };
  }
  if (knobs.echoRaw) return { status: 200, headers: {}, contentType: 'application/json', body: echoOf(call) };
  if (knobs.errorStatus !== undefined && stillFails(call, state)) {
    const reply = errorReply(endpoint.dialect, knobs.errorStatus, failureText(call));
    if (knobs.retryAfter !== undefined) reply.headers['retry-after'] = knobs.retryAfter;
    return reply;
  }
  return endpoint.answer(call);
}

function stillFails(call: Call, state: ServeState): boolean {
  if (call.knobs.flakyTimes === undefined) return true;
  const failed = state.flaky.get(call.model) ?? 0;
  if (failed >= call.knobs.flakyTimes) return false;
  state.flaky.set(call.model, failed + 1);
  return true;
}

function failureText(call: Call): string {
  const { knobs, credential } = call;
  if (knobs.echo) return echoOf(call);
  if (knobs.leak !== undefined) return `The key ${encodeSecret(credential, knobs.leak)} is to blame.`;
  return knobs.say ?? `The demo provider failed as asked, with ${knobs.errorStatus}.`;
}

/** Knobs after a `#` in the credential serve where a request has no model. */
function afterHash(credential: string): string {
  const hash = credential.indexOf('#');
  return hash < 0 ? '' : credential.slice(hash + 1);
}

function joinSpecs(specs: readonly string[]): string {
  const knobbed = specs.filter((spec) => spec !== '');
  if (knobbed.length < 2) return knobbed[0] ?? '';
  return knobbed.filter((spec) => parseKnobs(spec) !== NO_KNOBS).join('+');
}

function parseObject(body: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Stands for a body of which only the first chunk came: whatever the dialect, there is something to answer. */
function unfinished(model: string): Record<string, unknown> {
  const content = 'an unfinished body';
  return {
    model,
    max_tokens: 1,
    input: content,
    messages: [{ content }],
    contents: [{ parts: [{ text: content }] }],
  };
}

function modelOf(json: Record<string, unknown> | null, endpoint: Endpoint | null, body: Buffer): string {
  if (typeof json?.model === 'string') return json.model;
  // A multipart body names its model in a field of its own.
  if (endpoint?.body !== 'raw') return '';
  return /name="model"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n/.exec(body.toString('latin1'))?.[1] ?? '';
}
