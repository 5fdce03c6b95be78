/**
 * Server-sent events as text (WHATWG HTML §9.2.6), read once at the end of an answer to find its usage.
 * Not a live parser: a cut first or last event is dropped without a word.
 */

/** One event; `event` is null where the stream names none. */
export interface StreamEvent {
  readonly event: string | null;
  readonly data: string;
}

/** The events of a text, in order, those without data left out. Line ends may be LF, CRLF or CR. */
export function* readEvents(text: string): Generator<StreamEvent> {
  let event: string | null = null;
  let data: string[] = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data.length > 0) yield { event, data: data.join('\n') };
      event = null;
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    const field = line.slice(0, colon);
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
  }
  // An event without its blank line was cut off, but its data may be whole.
  if (data.length > 0) yield { event, data: data.join('\n') };
}

/** One event as text, with a blank line before it: whatever the stream broke off in is ended first. */
export function formatEvent(event: string | null, data: unknown): string {
  const name = event === null ? '' : `event: ${event}\n`;
  return `\n\n${name}data: ${JSON.stringify(data)}\n\n`;
}
