import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../dialects/dialects.ts';
import type { AdmittedCall } from '../exchange.ts';
import type { DialectName } from '../providers/provider.ts';
import { createMetering } from './metering.ts';
import { createChunkTail, createTail } from './tail.ts';

const encoder = new TextEncoder();
const metering = createMetering({ dialects: DIALECTS });

function tapOf(dialect: DialectName | null) {
  const endpoint = dialect === null ? null : { dialect };
  return metering.tapFor({ route: { endpoint } } as Pick<AdmittedCall, 'route'>);
}

function measure(dialect: DialectName | null, status: number, type: string | null, text: string, size = 100) {
  const tap = tapOf(dialect);
  tap.onHeaders(status, type);
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length; at += size) tap.onData(bytes.subarray(at, at + size));
  return tap.finish();
}

const USAGE = '"usage":{"prompt_tokens":11,"completion_tokens":7}';
const READ = { inputTokens: 11, outputTokens: 7 };

describe('usage of an answer', () => {
  it('is read from a JSON answer in any chunking', () => {
    for (const size of [1, 3, 64, 10_000]) {
      expect(measure('openai-chat', 200, 'application/json', `{"choices":[],${USAGE}}`, size)).toEqual(READ);
    }
  });

  it('is read from the end of a JSON answer far over the bound', () => {
    const text = `{"data":["${'x'.repeat(300_000)}"],${USAGE}}`;
    expect(measure('openai-chat', 200, 'application/json; charset=utf-8', text, 1000)).toEqual(READ);
    expect(measure('openai-chat', 200, 'application/json', text, 300_100)).toEqual(READ);
  });

  it('is read from a stream far over the bound, the first event of Anthropic included', () => {
    const filler = `event: content_block_delta\ndata: {"delta":{"text":"${'ü'.repeat(200)}"}}\n\n`.repeat(
      200,
    );
    const text =
      'event: message_start\ndata: {"message":{"usage":{"input_tokens":12,"output_tokens":1}}}\n\n' +
      filler +
      'event: message_delta\ndata: {"usage":{"output_tokens":900}}\n\nevent: message_stop\ndata: {}\n\n';
    for (const size of [1, 33, 500, 20_000, 100_000]) {
      expect(measure('anthropic-messages', 200, 'text/event-stream', text, size)).toEqual({
        inputTokens: 12,
        outputTokens: 900,
      });
    }
  });

  it('is read from streams of every length around the bounds', () => {
    for (let length = 3_900; length < 13_000; length += 97) {
      const text = `data: {"message":{"usage":{"input_tokens":12}}}\n\n: ${'x'.repeat(length)}\n\ndata: {"usage":{"output_tokens":9}}\n\n`;
      expect(measure('anthropic-messages', 200, 'text/event-stream', text, 777)).toEqual({
        inputTokens: 12,
        outputTokens: 9,
      });
    }
  });

  it('of a last event longer than the tail is still read', () => {
    const completed = `event: response.completed\ndata: {"response":{"output":["${'x'.repeat(20_000)}"],"usage":{"input_tokens":3,"output_tokens":4}}}\n\n`;
    expect(measure('openai-responses', 200, 'text/event-stream', completed)).toEqual({
      inputTokens: 3,
      outputTokens: 4,
    });
  });

  it('is none for errors, other types, other dialects, no endpoint, and no answer at all', () => {
    const text = `{${USAGE}}`;
    expect(measure('openai-chat', 500, 'application/json', text)).toBeNull();
    expect(measure('openai-chat', 200, 'audio/mpeg', text)).toBeNull();
    expect(measure('openai-chat', 200, null, text)).toBeNull();
    expect(measure('opaque', 200, 'application/json', text)).toBeNull();
    expect(measure(null, 200, 'application/json', text)).toBeNull();
    expect(tapOf('openai-chat').finish()).toBeNull();
  });

  it('keeps its own copy of a stream’s pieces: each would hold a whole read buffer for as long as the stream lasts', () => {
    const tap = tapOf('openai-chat');
    tap.onHeaders(200, 'text/event-stream');
    const chunk = encoder.encode(`data: {"choices":[],${USAGE}}\n\n`);
    tap.onData(chunk);
    chunk.fill(0);
    expect(tap.finish()).toEqual(READ);
  });
});

describe('the tail', () => {
  it('holds exactly the last bytes, whatever the chunks', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 });
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 90 }), (pieces, bound) => {
        for (const tail of [createTail(bound), createChunkTail(bound)]) {
          for (const piece of pieces) tail.push(piece);
          const all = pieces.flatMap((piece) => [...piece]);
          expect([...tail.bytes()]).toEqual(all.slice(-bound));
          expect(tail.total()).toBe(all.length);
        }
      }),
    );
  });

  it('grows to its bound and no further', () => {
    const tail = createTail(8192);
    for (let index = 0; index < 100; index += 1) tail.push(new Uint8Array(1000).fill(index));
    expect(tail.bytes().length).toBe(8192);
    expect(tail.bytes().at(-1)).toBe(99);
    expect(tail.total()).toBe(100_000);
  });
});
