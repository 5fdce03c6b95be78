/** What one SDK is to the matrix: how it is set up for a relay and asked, once plainly and once for a stream. */

/** Where a call goes. */
export interface Door {
  /** The relay's address without a version: `…/relayapi/<token>` with the token in the path, `…/relayapi/-` with it as the key. */
  readonly base: string;
  /** The token, or any text when the token stands in the path. */
  readonly key: string;
  readonly model: string;
  readonly prompt: string;
}

/** One SDK, or one of its two APIs. Both ways give the answer's text, and throw what the SDK throws. */
export interface Client {
  readonly plain: (door: Door) => Promise<string>;
  /** Null where the SDK or its API has no stream that a relay can carry. */
  readonly streamed: ((door: Door) => Promise<string>) | null;
}

/** Joins the texts of a stream's parts. */
export async function join<T>(
  parts: AsyncIterable<T>,
  textOf: (part: T) => string | null | undefined,
): Promise<string> {
  let text = '';
  for await (const part of parts) text += textOf(part) ?? '';
  return text;
}
