/** Replicate predictions: created, asked for, cancelled. See replicate.com/docs/reference/http. */
import { makeAnswer } from '../answer.ts';
import { type Call, echoOf, jsonReply, keepJob, member, type Reply } from '../call.ts';
import { errorReply } from '../errors.ts';

/** Answers `POST /v1/predictions` and `POST /v1/models/{owner}/{name}/predictions`; at once done with `Prefer: wait`. */
export function createPrediction(call: Call): Reply {
  const input = call.json.input;
  if (typeof input !== 'object' || input === null) return errorReply('replicate', 422, 'input is required');
  const prompt = String(member(input, 'prompt') ?? '');
  const answer = makeAnswer(prompt, prompt, call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const id = `demo${String(call.serial).padStart(22, '0')}`;
  const created = new Date(call.now * 1000).toISOString();
  const base = `http://${call.request.headers['host'] ?? 'localhost'}/v1`;
  const started = {
    id,
    model: /\/models\/([^/]+\/[^/]+)\/predictions$/.exec(call.path)?.[1] ?? 'demo/demo',
    version: typeof call.json.version === 'string' ? call.json.version : 'hidden',
    input,
    logs: '',
    output: null,
    data_removed: false,
    error: null,
    status: 'starting',
    created_at: created,
    urls: {
      cancel: `${base}/predictions/${id}/cancel`,
      get: `${base}/predictions/${id}`,
      stream: `${base}/streams/${id}`,
    },
  };
  const done = {
    ...started,
    status: 'succeeded',
    output: [...answer.pieces],
    started_at: created,
    completed_at: created,
    metrics: {
      predict_time: 0.1,
      ...(answer.usage && { input_token_count: answer.usage.input, output_token_count: answer.usage.output }),
    },
  };
  keepJob(call.jobs, id, done);
  const waits = (call.request.headers['prefer'] ?? '').startsWith('wait');
  return jsonReply(waits ? done : started, 201);
}

/** Answers `GET /v1/predictions/{id}`: done by then. */
export function readPrediction(call: Call): Reply {
  const job = call.jobs.get(call.path.slice(call.path.lastIndexOf('/') + 1));
  return job ? jsonReply(job) : errorReply('replicate', 404, 'The requested resource could not be found.');
}

/** Answers `POST /v1/predictions/{id}/cancel`. */
export function cancelPrediction(call: Call): Reply {
  const id = call.path.split('/').at(-2) ?? '';
  const job = call.jobs.get(id);
  if (!job) return errorReply('replicate', 404, 'The requested resource could not be found.');
  const cancelled = { ...job, status: 'canceled', output: null };
  keepJob(call.jobs, id, cancelled);
  return jsonReply(cancelled);
}
