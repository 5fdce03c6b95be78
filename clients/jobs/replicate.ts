/** Replicate's SDK: a prediction run to its end, cancelled, streamed. */
import Replicate from 'replicate';
import { need, type Steps, type WhereTo } from './job.ts';

const MODEL = 'demo/haiku';
const PICTURES = 'demo/picture';
const input = { prompt: 'a haiku' };

const client = ({ base, key }: WhereTo) => new Replicate({ baseUrl: `${base}/v1`, auth: key });

async function streamed(replicate: Replicate, model: typeof MODEL | typeof PICTURES): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const { event, data } of replicate.stream(model, { input })) events.push([event, data]);
  return events;
}

export const replicate: Steps = {
  /** Polls until the output is there. */
  async run(door) {
    const seen: { id: string; status: string; urls: unknown }[] = [];
    const output = await client(door).run(
      MODEL,
      { input, wait: { mode: 'poll', interval: 10 } },
      ({ id, status, urls }) => void seen.push({ id, status, urls }),
    );
    return { output, seen };
  },
  /** The same by the version of a model, waiting in the first call. */
  runVersion: async (door) => client(door).run(`${MODEL}:${'5c7d5dc6'.repeat(8)}`, { input }),
  /** Gives up when it sees the prediction for the first time; the SDK then cancels. */
  async giveUp(door) {
    const giving = new AbortController();
    const statuses: string[] = [];
    await client(door).run(
      MODEL,
      { input, wait: { mode: 'poll', interval: 10 }, signal: giving.signal },
      ({ status }) => {
        statuses.push(status);
        giving.abort();
      },
    );
    return statuses;
  },
  stream: (door) => streamed(client(door), MODEL),
  streamFiles: (door) => streamed(client(door), PICTURES),
  /** Where `stream()` goes when that is not the relay, and whether it sends a credential there: answered here. */
  async streamElsewhere({ base, key }) {
    const went: unknown[] = [];
    const events = await streamed(
      new Replicate({
        baseUrl: `${base}/v1`,
        auth: key,
        fetch: async (url, init) => {
          if (String(url).startsWith(base)) return fetch(url, init);
          went.push(String(url), new Headers(init?.headers).has('authorization'));
          return new Response('event: done\ndata: {}\n\n');
        },
      }),
      MODEL,
    );
    return { went, events };
  },
  get: (door, given) => client(door).predictions.get(need(given, 'id')),
  cancel: (door, given) => client(door).predictions.cancel(need(given, 'id')),
  list: (door) => client(door).predictions.list(),
};
