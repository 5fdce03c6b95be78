/**
 * Forms under `models`, row by row of corpora/multipart-bodies.json on both ways into the relay: refused, or rebuilt so that two
 * readers that are not ours find one model field, the checked one (behaviour spec §6).
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { bytesOf, type CorpusBytes, readCorpus, rowsOf, sendBytes, sha256Of } from './body-corpus.ts';
import { wordOf } from './reading.ts';

interface FormRow extends CorpusBytes {
  readonly what: string;
  readonly type?: string | null;
  readonly must: string;
}

const ALLOWED = 'demo-chat';
const FORM = 'multipart/form-data; boundary=b';
const corpus = readCorpus<FormRow>('multipart-bodies');
const typeOf = (row: FormRow) => (row.type === undefined ? FORM : row.type);

/** Forms as they went up, with the titles of their rows. */
const sentUp: { readonly title: string; readonly type: string; readonly body: Buffer }[] = [];

describe.each(RELAY_PATHS)('on the %s path', (path) => {
  let relay: RelayFixture;
  let url: string;
  beforeAll(async () => {
    relay = await startRelay({ path });
    url = `${relay.url({ allowedModels: [ALLOWED], maxCalls: null })}/v1/audio/transcriptions`;
  });
  beforeEach(() => relay.demo.reset());
  afterAll(() => relay.close());

  it.each(rowsOf(corpus))('A31 %s', async (title, row) => {
    const body = bytesOf(row);
    const type = typeOf(row);
    const answer = await sendBytes(url, body, type === null ? [] : [['content-type', type]]);
    const [seen, ...more] = relay.demo.requests;
    expect(more).toEqual([]);
    if (row.must !== 'up') {
      expect([wordOf(answer.status, answer.body), seen]).toEqual([row.must, undefined]);
      return;
    }
    expect(wordOf(answer.status, answer.body)).not.toMatch(/bad_body|model_denied|unsupported_body/);
    expect(seen?.complete).toBe(true);
    const sentType = String(seen?.headers['content-type']);
    if (!type?.toLowerCase().startsWith('multipart/')) {
      expect([sentType, seen?.sha256]).toEqual([type, sha256Of(body)]);
      return;
    }
    expect(sentType).toMatch(/^multipart\/form-data; boundary=relayapi-[A-Za-z0-9_-]{24}$/);
    sentUp.push({ title: `${path}, ${title}`, type: sentType, body: seen?.body ?? Buffer.alloc(0) });
  });
});

describe('A31 forms as read by parsers that are not ours', () => {
  const isModel = (name: string) => /^\s*model\b/i.test(name.split('\0', 1)[0] ?? '');

  it('A31 the corpus has its rows, and forms went up', () => {
    expect(rowsOf(corpus).length).toBeGreaterThan(150);
    expect(sentUp.length).toBeGreaterThan(40);
  });

  it('A31 the platform finds one model field, the allowed one, and every file', async () => {
    for (const { title, type, body } of sentUp) {
      const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
      const models = [...form].filter(([name]) => isModel(name));
      expect([title, models]).toEqual([title, [['model', ALLOWED]]]);
    }
  });

  it('A31 Python’s email parser finds the same', () => {
    const input = JSON.stringify(sentUp.map(({ type, body }) => [type, body.toString('base64')]));
    const { status, stdout, stderr } = spawnSync(
      'python3',
      [join(import.meta.dirname, 'readers/read-forms.py')],
      { input, encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    expect([status, stderr]).toEqual([0, '']);
    const forms = JSON.parse(stdout) as ([name: string, file: string | null, content: string][] | null)[];
    for (const [i, parts] of forms.entries()) {
      const models = (parts ?? [])
        .filter(([name]) => isModel(name))
        .map(([name, file, content]) => [name, file, Buffer.from(content, 'base64').toString()]);
      expect([sentUp[i]?.title, models]).toEqual([sentUp[i]?.title, [['model', null, ALLOWED]]]);
    }
  });
});
