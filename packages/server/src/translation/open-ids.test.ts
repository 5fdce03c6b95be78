import { describe, expect, it } from 'vitest';
import { isDenial } from '../errors.ts';
import type { RouteIds } from '../exchange.ts';
import type { BodyIdTaken } from '../providers/provider.ts';
import { openIds } from './open-ids.ts';

const URL_PREFIX = 'https://cdn.example/upload/';
const TAKES: readonly BodyIdTaken[] = [
  { kind: 'response', in: 'body', at: ['previous'] },
  { kind: 'item', in: 'body', at: ['input', '*', 'id'] },
  { kind: 'file', in: 'body', at: ['**', 'file_id'] },
  { kind: 'upload', in: 'body', at: ['audio_url'], prefix: URL_PREFIX },
];

/** Opens `rai_<kind>_<id>`. */
const ids: RouteIds = {
  takes: TAKES,
  makes: [],
  urls: [],
  seal: () => '',
  open: (kind, text) => (text.startsWith(`rai_${kind}_`) ? text.slice(`rai_${kind}_`.length) : null),
  relayPath: () => null,
};

function opened(body: string): string {
  const result = openIds(new TextEncoder().encode(body), ids);
  return isDenial(result) ? result.denied : new TextDecoder().decode(result);
}

it('opens an id that stands in a body many times once, and nothing more after a foreign one', () => {
  let openings = 0;
  const counting: RouteIds = {
    ...ids,
    open: (kind, text) => {
      openings += 1;
      return ids.open(kind, text);
    },
  };
  const bodyOf = (list: readonly string[]) =>
    new TextEncoder().encode(JSON.stringify(list.map((id) => ({ file_id: id }))));
  const same = openIds(bodyOf(Array.from({ length: 1000 }, () => 'rai_file_f')), counting);
  expect(isDenial(same)).toBe(false);
  expect(openings).toBe(1);
  const guesses = openIds(bodyOf(Array.from({ length: 1000 }, (_, i) => `rai_${i}`)), counting);
  expect(guesses).toMatchObject({ denied: 'path_denied' });
  expect(openings).toBe(2);
});

describe('sealed ids in a body', () => {
  it.each([
    ['{"previous": "rai_response_r1" , "x":1.0}', '{"previous": "r1" , "x":1.0}'],
    ['{"input":[{"id":"rai_item_a"},{"id":null}]}', '{"input":[{"id":"a"},{"id":null}]}'],
    ['{"input":{"id":"rai_item_a"}}', '{"input":{"id":"a"}}'],
    ['{"a":[{"b":{"file_id":"rai_file_\\u0066"}}]}', '{"a":[{"b":{"file_id":"f"}}]}'],
    ['{"previous":["rai_response_r1"]}', '{"previous":["r1"]}'],
    [`{"audio_url":"${URL_PREFIX}rai_upload_u"}`, `{"audio_url":"${URL_PREFIX}u"}`],
    ['{"audio_url":"https://example.com/a.mp3"}', '{"audio_url":"https://example.com/a.mp3"}'],
    ['{"previous":null,"note":"rai_response_r1"}', '{"previous":null,"note":"rai_response_r1"}'],
    ['{"properties":{"file_id":{"type":"string"}}}', '{"properties":{"file_id":{"type":"string"}}}'],
    ['["previous"]', '["previous"]'],
  ])('%s becomes %s', (before, after) => {
    expect(opened(before)).toBe(after);
  });

  it.each([
    '{"previous":"r1"}',
    '{"previous":""}',
    '{"previous":"rai_file_f"}',
    '{"input":[{"id":"rai_item_a"},{"id":"b"}]}',
    '{"file_id":"f"}',
    // whoever takes a list for one string must not be handed a raw id in it
    '{"previous":["r1"]}',
    '{"input":[[{"id":"a"}]]}',
    '{"x":[[{"file_id":[["f"]]}]]}',
    `{"audio_url":["${URL_PREFIX}u"]}`,
    '{"metadata":{"file_id":"f"}}',
    `{"audio_url":"${URL_PREFIX}u"}`,
    `{"audio_url":"${URL_PREFIX}"}`,
    '{"audio_url":"http://cdn.example/upload/u"}',
    '{"audio_url":"HTTPS://CDN.EXAMPLE/upload/u"}',
    '{"audio_url":"https://cdn.example./upload/u"}',
    '{"audio_url":"https://cdn.example:443/upload/u"}',
    '{"audio_url":"https://user@cdn.example/upload/u"}',
    '{"audio_url":"https:///cdn.example/upload/u"}',
    '{"audio_url":"https://cdn%2eexample/upload/u"}',
    '{"audio_url":"https://x\\\\@cdn.example/upload/u"}',
    '{"audio_url":" https://example.com/a"}',
    '{"audio_url":"//cdn.example/upload/u"}',
    '{"audio_url":"u"}',
    '{"audio_url":"rai_upload_u"}',
  ])('%s is nobody’s to name', (body) => {
    expect(opened(body)).toBe('path_denied');
  });

  it.each([
    '',
    '{"previous":"r1"',
    '{"previous":"rai_response_a","previous":"r1"}',
    '{"Previous":"r1"}',
    '{"x":{"FILE_ID":"f"}}',
    '{"input":[[{"Id":"a"}]]}',
    '{"previous\\u0000x":"r1"}',
  ])('%j could be read in two ways', (body) => {
    expect(opened(body)).toBe('bad_body');
  });
});

describe('a body with very many ids', () => {
  /** How often a body has something opened, and what becomes of it. */
  function openings(body: string): [count: number, outcome: string] {
    let count = 0;
    const counting: RouteIds = {
      ...ids,
      open(kind, text) {
        count += 1;
        return ids.open(kind, text);
      },
    };
    const result = openIds(new TextEncoder().encode(body), counting);
    return [count, isDenial(result) ? result.denied : new TextDecoder().decode(result)];
  }

  it('has none opened after the first that is not this subject’s', () => {
    const items = Array.from({ length: 1000 }, (_, i) => `{"id":"rai_file_${i}"}`);
    expect(openings(`{"input":[${items.join(',')}]}`)).toEqual([1, 'path_denied']);
    // what cannot be read is said before what is not one's own
    expect(openings(`{"input":[${items.join(',')}],"a":1,"a":2}`)).toEqual([1, 'bad_body']);
  });

  it('has each of its own opened once', () => {
    const items = Array.from({ length: 1000 }, () => '{"id":"rai_item_a"}');
    const [count, outcome] = openings(`{"input":[${items.join(',')}]}`);
    expect(count).toBe(1);
    expect(outcome).toBe(`{"input":[${items.map(() => '{"id":"a"}').join(',')}]}`);
  });
});
