import { describe, expect, it } from 'vitest';
import { ERRORS } from '../errors.ts';
import type { ErrorParts } from './dialect.ts';
import { DIALECTS } from './dialects.ts';
import { formatEvent, readEvents } from './event-stream.ts';
import { lastObjectNamed } from './json-text.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

const chat = DIALECTS['openai-chat'];
const responses = DIALECTS['openai-responses'];
const anthropic = DIALECTS['anthropic-messages'];
const google = DIALECTS.gemini;

function stream(...events: (object | [string, object] | string)[]): string {
  return events
    .map((event) => {
      if (typeof event === 'string') return `data: ${event}\n\n`;
      if (Array.isArray(event)) return `event: ${event[0]}\ndata: ${JSON.stringify(event[1])}\n\n`;
      return `data: ${JSON.stringify(event)}\n\n`;
    })
    .join('');
}

it('every dialect answers to its name', () => {
  for (const [name, dialect] of Object.entries(DIALECTS)) expect(dialect.name).toBe(name);
});

describe('usage of OpenAI chat', () => {
  const usage = {
    prompt_tokens: 11,
    completion_tokens: 7,
    total_tokens: 18,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 3 },
  };
  const read = { inputTokens: 11, outputTokens: 7, cachedInputTokens: 4, reasoningTokens: 3 };

  it('is read from a whole answer', () => {
    expect(chat.readUsage(JSON.stringify({ choices: [], usage }), false)).toEqual(read);
  });

  it('is read from the end of a long answer', () => {
    const text = JSON.stringify({ data: ['x'.repeat(5000)], usage });
    expect(chat.readUsage(text.slice(4000), false)).toEqual(read);
  });

  it('is read from the chunk before [DONE]', () => {
    const text = stream(
      { choices: [{ delta: { content: 'hi' } }], usage: null },
      { choices: [], usage },
      '[DONE]',
    );
    expect(chat.readUsage(text, true)).toEqual(read);
  });

  it('is the last of several, as Perplexity repeats it on every chunk', () => {
    const text = stream({ usage: { prompt_tokens: 11, completion_tokens: 1 } }, { usage });
    expect(chat.readUsage(text, true)).toEqual(read);
  });

  it("is read from Groq's own place", () => {
    expect(chat.readUsage(stream({ choices: [], x_groq: { usage } }, '[DONE]'), true)).toEqual(read);
  });

  it("is read with DeepSeek's and Moonshot's words for the cache", () => {
    const deepseek = { prompt_tokens: 9, completion_tokens: 1, prompt_cache_hit_tokens: 8 };
    expect(chat.readUsage(JSON.stringify({ usage: deepseek }), false)?.cachedInputTokens).toBe(8);
    const moonshot = { prompt_tokens: 9, completion_tokens: 1, cached_tokens: 7 };
    expect(chat.readUsage(JSON.stringify({ usage: moonshot }), false)?.cachedInputTokens).toBe(7);
  });

  it('of embeddings holds input alone, of images both', () => {
    expect(chat.readUsage('{"usage":{"prompt_tokens":5,"total_tokens":5}}', false)).toEqual({
      inputTokens: 5,
    });
    expect(chat.readUsage('{"usage":{"input_tokens":5,"output_tokens":9}}', false)).toEqual({
      inputTokens: 5,
      outputTokens: 9,
    });
  });

  it('is null when none is there, or nothing of it is a count', () => {
    for (const text of [
      '',
      '{}',
      '[]',
      'null',
      'no json',
      '{"usage":null}',
      '{"usage":{"prompt_tokens":"5"}}',
      '{"usage":{"prompt_tokens":-1}}',
    ]) {
      expect(chat.readUsage(text, false)).toBeNull();
    }
    expect(chat.readUsage(stream({ choices: [] }, '[DONE]'), true)).toBeNull();
  });

  it('is not taken from what the model said', () => {
    const said = JSON.stringify({ choices: [{ message: { content: '{"usage":{"prompt_tokens":999}}' } }] });
    expect(chat.readUsage(said, false)).toBeNull();
    expect(chat.readUsage(said.slice(5), false)).toBeNull();
    expect(
      chat.readUsage(stream({ choices: [{ delta: { content: '"usage":{"prompt_tokens":999}' } }] }), true),
    ).toBeNull();
  });
});

describe('usage of OpenAI responses', () => {
  const usage = {
    input_tokens: 20,
    output_tokens: 6,
    input_tokens_details: { cached_tokens: 16 },
    output_tokens_details: { reasoning_tokens: 2 },
  };
  const read = { inputTokens: 20, outputTokens: 6, cachedInputTokens: 16, reasoningTokens: 2 };

  it('is read from a whole answer and from the last event', () => {
    expect(responses.readUsage(JSON.stringify({ output: [], usage }), false)).toEqual(read);
    for (const type of ['response.completed', 'response.incomplete', 'response.failed']) {
      const text = stream(
        ['response.created', { response: { usage: null } }],
        [type, { type, response: { usage } }],
      );
      expect(responses.readUsage(text, true)).toEqual(read);
    }
  });

  it('is read when only the end of the last event was kept', () => {
    const text = stream([
      'response.completed',
      { response: { output: ['x'.repeat(9000)], usage, metadata: {} } },
    ]);
    expect(responses.readUsage(text.slice(-2000), true)).toEqual(read);
  });
});

describe('usage of Anthropic messages', () => {
  it('adds the cached parts to the input, which leaves them out', () => {
    const usage = {
      input_tokens: 3,
      output_tokens: 5,
      cache_read_input_tokens: 40,
      cache_creation_input_tokens: 7,
    };
    expect(anthropic.readUsage(JSON.stringify({ content: [], usage }), false)).toEqual({
      inputTokens: 50,
      outputTokens: 5,
      cachedInputTokens: 40,
      cacheWriteTokens: 7,
    });
  });

  it('joins the input of the first event and the output of the last', () => {
    const text = stream(
      [
        'message_start',
        { type: 'message_start', message: { usage: { input_tokens: 12, output_tokens: 1 } } },
      ],
      ['content_block_delta', { delta: { text: 'hi' } }],
      ['message_delta', { type: 'message_delta', usage: { output_tokens: 9, input_tokens: null } }],
      ['message_stop', { type: 'message_stop' }],
    );
    expect(anthropic.readUsage(text, true)).toEqual({ inputTokens: 12, outputTokens: 9 });
  });

  it('of count_tokens is the count', () => {
    expect(anthropic.readUsage('{"input_tokens":14}', false)).toEqual({ inputTokens: 14 });
  });

  it('is null for a stream that told none', () => {
    expect(anthropic.readUsage(stream(['ping', { type: 'ping' }]), true)).toBeNull();
    expect(anthropic.readUsage('{"type":"error"}', false)).toBeNull();
  });
});

describe('usage of Gemini', () => {
  const usageMetadata = {
    promptTokenCount: 8,
    candidatesTokenCount: 5,
    thoughtsTokenCount: 2,
    cachedContentTokenCount: 3,
    totalTokenCount: 15,
  };
  const read = { inputTokens: 8, outputTokens: 7, cachedInputTokens: 3, reasoningTokens: 2 };

  it('counts thoughts as output', () => {
    expect(google.readUsage(JSON.stringify({ candidates: [], usageMetadata }), false)).toEqual(read);
  });

  it('is the last of the cumulative chunks, as events and as one JSON array', () => {
    const first = { usageMetadata: { promptTokenCount: 8 } };
    expect(google.readUsage(stream(first, { usageMetadata }), true)).toEqual(read);
    expect(google.readUsage(JSON.stringify([first, { usageMetadata }]), false)).toEqual(read);
    expect(google.readUsage(JSON.stringify([first, { usageMetadata }]).slice(1), false)).toEqual(read);
  });
});

it('deepl and opaque read nothing, since their units are no tokens', () => {
  for (const name of ['deepl', 'opaque'] as const) {
    expect(DIALECTS[name].readUsage('{"usage":{"prompt_tokens":5}}', false)).toBeNull();
  }
});

describe('the frame that tells of a broken stream', () => {
  const parts: ErrorParts = {
    code: 'upstream_unreachable',
    row: ERRORS.upstream_unreachable,
    message: 'The provider could not be reached.',
    param: null,
    requestId: 'r1',
  };

  it.each(['openai-chat', 'openai-responses', 'anthropic-messages'] as const)(
    '%s: starts with a blank line, ends with one, is one event, has no [DONE]',
    (name) => {
      const frame = DIALECTS[name].streamErrorFrame(parts) as string;
      expect(frame.startsWith('\n\n')).toBe(true);
      expect(frame.endsWith('\n\n')).toBe(true);
      expect(frame).not.toContain('[DONE]');
      expect([...readEvents(`data: {"cut":${frame}`)]).toHaveLength(2);
    },
  );

  it('of chat is an unnamed event with an error object', () => {
    const [event] = [...readEvents(chat.streamErrorFrame(parts) as string)];
    expect(event?.event).toBeNull();
    expect(JSON.parse(event?.data ?? '')).toEqual({
      error: { message: parts.message, type: 'api_error', code: 'upstream_unreachable', param: null },
    });
  });

  it('of responses and Anthropic is named error and typed error', () => {
    const [own] = [...readEvents(responses.streamErrorFrame(parts) as string)];
    expect(own?.event).toBe('error');
    expect(JSON.parse(own?.data ?? '')).toMatchObject({
      type: 'error',
      code: 'upstream_unreachable',
      message: parts.message,
    });
    const [event] = [...readEvents(anthropic.streamErrorFrame(parts) as string)];
    expect(event?.event).toBe('error');
    expect(JSON.parse(event?.data ?? '')).toEqual({
      type: 'error',
      error: { type: 'api_error', message: parts.message },
    });
  });

  it('does not exist where only a destroyed socket is understood', () => {
    for (const name of ['gemini', 'deepl', 'opaque'] as const) {
      expect(DIALECTS[name].streamErrorFrame(parts)).toBeNull();
    }
  });
});

describe('reading events', () => {
  it('takes LF, CRLF and CR, comments, several data lines, a missing space', () => {
    const text =
      ': ping\r\n\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\ndata: 3\r\rdata:  4\n\nevent: lost\n\nid: 9\ndata: 5\n\n';
    expect([...readEvents(text)]).toEqual([
      { event: 'a', data: '1\n2' },
      { event: null, data: '3' },
      { event: null, data: ' 4' },
      { event: null, data: '5' },
    ]);
  });

  it('gives the data of a last event that has no blank line', () => {
    expect([...readEvents('data: 1\n\ndata: 2')]).toHaveLength(2);
  });

  it('reads back what formatEvent wrote, line breaks in texts too', () => {
    const data = { text: 'a\nb\r\n\r\nc' };
    expect([...readEvents(formatEvent('x', data))]).toEqual([{ event: 'x', data: JSON.stringify(data) }]);
  });
});

describe('finding an object in a cut text', () => {
  it('takes the last one, whole, with braces and quotes in its strings', () => {
    const text = '…"u":{"a":1},"u": {"b":"}\\"{","c":{"d":2}} rest';
    expect(lastObjectNamed(text, 'u')).toEqual({ b: '}"{', c: { d: 2 } });
  });

  it('falls back to an earlier one when the last is cut or no object', () => {
    expect(lastObjectNamed('"u":{"a":1},"u":{"b":', 'u')).toEqual({ a: 1 });
    expect(lastObjectNamed('"u":{"a":1},"u":5', 'u')).toEqual({ a: 1 });
    expect(lastObjectNamed('"u":5', 'u')).toBeNull();
    expect(lastObjectNamed('"u":{"a":1},"s":"\\"u\\":{}"', 'u')).toEqual({ a: 1 });
    expect(lastObjectNamed('', 'u')).toBeNull();
  });

  it('gives up on a text made to cost time', REAL_TIME, () => {
    const text = '"u":{'.repeat(13_000);
    const before = performance.now();
    expect(lastObjectNamed(text, 'u')).toBeNull();
    expect(performance.now() - before).toBeLessThan(500);
  });
});
