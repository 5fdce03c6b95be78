/** OpenAI's SDK: answers that are stored, gone on from, cancelled and deleted; files that are kept and used. */
import OpenAI, { toFile } from 'openai';
import type { Response } from 'openai/resources/responses/responses';
import { need, type Steps, type WhereTo } from './job.ts';

const MODEL = 'gpt-demo';

const client = ({ base, key }: WhereTo) => new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 });

const told = ({ id, status, previous_response_id, output, output_text }: Response) => ({
  id,
  status,
  previous_response_id,
  items: output.map((item) => item.id),
  output_text,
});

export const openai: Steps = {
  create: async (door) => told(await client(door).responses.create({ model: MODEL, input: 'hello' })),
  background: async (door) =>
    told(await client(door).responses.create({ model: MODEL, input: 'hello', background: true })),
  retrieve: async (door, given) => told(await client(door).responses.retrieve(need(given, 'id'))),
  /** All of them: the SDK asks for the next page by the last item's id. */
  async inputItems(door, given) {
    const ids: (string | null | undefined)[] = [];
    for await (const item of client(door).responses.inputItems.list(need(given, 'id'))) ids.push(item.id);
    return ids;
  },
  goOn: async (door, given) =>
    told(
      await client(door).responses.create({
        model: MODEL,
        input: 'and then?',
        previous_response_id: need(given, 'id'),
      }),
    ),
  cancel: async (door, given) => told(await client(door).responses.cancel(need(given, 'id'))),
  delete: async (door, given) => (await client(door).responses.delete(need(given, 'id'))) ?? 'deleted',
  /** With the helper that puts the events together, so that their ids have to agree. */
  async stream(door, given) {
    const previous = given['id'];
    const stream = client(door).responses.stream({
      model: MODEL,
      input: 'hello',
      ...(previous !== undefined && { previous_response_id: previous }),
    });
    const ids = new Set<string>();
    for await (const event of stream) {
      if ('response' in event) ids.add(event.response.id);
      if ('item_id' in event) ids.add(event.item_id);
      if (event.type === 'response.output_item.added') ids.add(event.item.id ?? '');
    }
    return { ids: [...ids], whole: told(await stream.finalResponse()) };
  },
  /** An answer that was begun before, from its first event on. */
  async follow(door, given) {
    const events = await client(door).responses.retrieve(need(given, 'id'), { stream: true });
    const seen: unknown[] = [];
    for await (const event of events) seen.push('response' in event ? event.response.id : event.type);
    return seen;
  },
  async keep(door) {
    const file = await toFile(Buffer.from('what is in the file'), 'notes.txt', { type: 'text/plain' });
    const { id, filename } = await client(door).files.create({ file, purpose: 'user_data' });
    return { id, filename };
  },
  /** Read until it is processed. */
  async file(door, given) {
    const { id, status } = await client(door).files.waitForProcessing(need(given, 'id'), {
      pollInterval: 10,
    });
    return { id, status };
  },
  content: async (door, given) => (await client(door).files.content(need(given, 'id'))).text(),
  async useFile(door, given) {
    const content = [{ type: 'input_file' as const, file_id: need(given, 'id') }];
    return told(await client(door).responses.create({ model: MODEL, input: [{ role: 'user', content }] }));
  },
  deleteFile: (door, given) => client(door).files.delete(need(given, 'id')),
  listFiles: (door) => client(door).files.list(),
};
