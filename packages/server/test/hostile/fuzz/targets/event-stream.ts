/** Event streams and the usage in them, against a reader that goes letter by letter; and the tail that metering keeps of them. */
import { DIALECTS } from '../../../../src/dialects/dialects.ts';
import { formatEvent, readEvents, type StreamEvent } from '../../../../src/dialects/event-stream.ts';
import { createMetering } from '../../../../src/metering/metering.ts';
import { createTail } from '../../../../src/metering/tail.ts';
import { bytesOf, type FuzzTarget, hold } from '../target.ts';
import { JSON_WORDS } from './strict-json.ts';

/** WHATWG HTML §9.2.6, one letter at a time; what no blank line ended counts, as in the reader under test. */
function readPlainly(text: string): StreamEvent[] {
  const events: StreamEvent[] = [];
  let [line, name, data] = ['', null as string | null, [] as string[]];
  const dispatch = () => {
    if (data.length > 0) events.push({ event: name, data: data.join('\n') });
    [name, data] = [null, []];
  };
  const finishLine = () => {
    if (line === '') return dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data' && colon !== -1) data.push(value);
    if (field === 'event' && colon !== -1) name = value;
    line = '';
  };
  for (let i = 0; i < text.length; i++) {
    const letter = text[i] as string;
    if (letter === '\r' && text[i + 1] === '\n') i += 1;
    if (letter === '\n' || letter === '\r') finishLine();
    else line += letter;
  }
  if (line !== '') finishLine();
  dispatch();
  return events;
}

const PAYLOAD = { error: { message: 'line\nbreak', code: 'x' } };

function check(input: string): string {
  const text = Buffer.from(bytesOf(input)).toString('utf8');
  const events = [...readEvents(text)];
  hold(JSON.stringify(events) === JSON.stringify(readPlainly(text)), 'read differently letter by letter');
  hold(
    events.every(({ event }) => event === null || !/[\r\n]/.test(event)),
    'a name of two lines',
  );
  const closed = [...readEvents(text + formatEvent('error', PAYLOAD))].at(-1);
  hold(
    closed?.event === 'error' && JSON.stringify(JSON.parse(closed.data)) === JSON.stringify(PAYLOAD),
    'an error frame behind a broken stream is not heard',
  );
  const words: string[] = [];
  for (const dialect of Object.values(DIALECTS)) {
    for (const streamed of [true, false]) {
      const usage = dialect.readUsage(text, streamed);
      if (usage === null) continue;
      const counts = Object.values(usage);
      hold(
        counts.length > 0 &&
          counts.every((count) => typeof count !== 'number' || (Number.isSafeInteger(count) && count >= 0)),
        'a count that is none',
      );
      words.push(`${dialect.name}${streamed ? ' streamed' : ''}`);
    }
  }
  checkTail(bytesOf(input));
  checkChunks(bytesOf(input));
  return `${Math.min(events.length, 4)} events ${words.join(' ')}`;
}

/** The bytes as chunks whose sizes follow from the bytes themselves. */
function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + ((bytes[at] as number) % 13);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function checkTail(bytes: Uint8Array): void {
  for (const bound of [7, 64, 2500]) {
    const tail = createTail(bound);
    for (const chunk of chunksOf(bytes)) tail.push(chunk);
    hold(tail.total() === bytes.length, 'a total');
    hold(
      Buffer.from(tail.bytes()).equals(bytes.subarray(Math.max(0, bytes.length - bound))),
      'a tail that is not the end',
    );
  }
}

const metering = createMetering({ dialects: DIALECTS });

/** Usage does not depend on where a stream was cut into chunks. */
function checkChunks(bytes: Uint8Array): void {
  for (const dialect of ['openai-chat', 'anthropic-messages'] as const) {
    const read = (chunks: Iterable<Uint8Array>): string => {
      const tap = metering.tapFor({ route: { endpoint: { dialect } } } as never);
      tap.onHeaders(200, 'text/event-stream');
      for (const chunk of chunks) tap.onData(chunk);
      return JSON.stringify(tap.finish());
    };
    hold(read([bytes]) === read(chunksOf(bytes)), 'usage depends on the chunks');
  }
}

export const eventStreamTarget: FuzzTarget = {
  name: 'event-stream',
  sources: /server\/src\/(?:dialects\/|metering\/).*\.ts$/,
  seeds: [
    'data: {"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n',
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}\r\n\r\nevent: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":9}}\n\n',
    'event: response.completed\ndata: {"response":{"usage":{"input_tokens":1,"output_tokens":2,"output_tokens_details":{"reasoning_tokens":1}}}}\n\n',
    'data: {"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":6}}\n\n',
    '{"id":"a","usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}',
    'cut off"},"usage":{"input_tokens":1,"cache_read_input_tokens":3}}',
    ': ping\n\ndata:a\ndata: b\rdata:  c\n\nevent:x\n\n',
  ],
  dictionary: [
    ...JSON_WORDS,
    'data: ',
    'data:',
    'event: ',
    'id: 1\n',
    ':',
    '\n\n',
    '\r\n',
    '\r\r',
    '\n',
    '[DONE]',
    '"usage":{',
    '"usageMetadata":{',
    '"prompt_tokens":',
    '"x_groq":{',
    '"message":{',
    '"usage\\":{',
  ],
  maxLength: 6000,
  check,
};
