/** What the demo provider says: a made-up text that depends on the prompt and the knobs alone, with its usage. */
import type { Knobs } from './knob-table.ts';

/** Stands in a body for a text too large to build at once; the sender replaces it. Never part of a real answer. */
export const HUGE_MARK = '\u0002demo-huge\u0002';
/** Bytes of one piece of a huge answer. */
export const HUGE_PIECE = `${'demo '.repeat(13_107)}\n`; // 64 KiB

/** One answer: whole, in pieces for a stream, and its token counts. */
export interface Answer {
  readonly text: string;
  readonly pieces: Iterable<string>;
  readonly usage: { readonly input: number; readonly output: number } | null;
}

/** Counts words as tokens; an empty text has none. */
export function countTokens(text: string): number {
  return text.match(/\S+/gu)?.length ?? 0;
}

/** Answers a prompt. `prompt` is all of the input (for the counts), `lastUserText` what is quoted. */
export function makeAnswer(
  prompt: string,
  lastUserText: string,
  knobs: Knobs,
  facts: { echo: string; credential: string },
): Answer {
  const input = Math.max(1, countTokens(prompt));
  if (knobs.hugeMiB !== undefined) {
    const output = knobs.hugeMiB * 16 * 13_107;
    return {
      text: HUGE_MARK,
      pieces: repeat(HUGE_PIECE, knobs.hugeMiB * 16),
      usage: pickUsage(knobs, input, output),
    };
  }
  const text = chooseText(lastUserText, knobs, facts);
  const pieces = knobs.pieces === undefined ? splitWords(text) : countedPieces(knobs.pieces);
  return { text, pieces, usage: pickUsage(knobs, input, Math.max(1, countTokens(text))) };
}

function pickUsage(knobs: Knobs, input: number, output: number): Answer['usage'] {
  if (knobs.noUsage) return null;
  return knobs.usage ?? { input, output };
}

function chooseText(lastUserText: string, knobs: Knobs, facts: { echo: string; credential: string }): string {
  if (knobs.echo) return facts.echo;
  if (knobs.say !== undefined) return knobs.say;
  if (knobs.leak !== undefined)
    return `The credential is ${encodeSecret(facts.credential, knobs.leak)} indeed.`;
  if (knobs.words !== undefined)
    return Array.from({ length: knobs.words }, (_, i) => `word${i + 1}`).join(' ');
  if (knobs.pieces !== undefined) return countedPieces(knobs.pieces).join('');
  if (lastUserText === '') return 'Hello from the demo provider! You said nothing, and that is fine too.';
  const quoted = lastUserText.length > 400 ? `${[...lastUserText].slice(0, 400).join('')}…` : lastUserText;
  return `Hello from the demo provider! You said: "${quoted}". I only repeat things; a real model would answer here.`;
}

/** Writes a secret in one of the encodings that a leaking upstream could use. */
export function encodeSecret(secret: string, encoding: string): string {
  const bytes = Buffer.from(secret);
  switch (encoding) {
    case 'base64':
    case 'base64url':
    case 'hex':
      return bytes.toString(encoding);
    case 'percent':
      return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
    case 'json':
      // One level of escapes has to stand in the bytes of the body, so the sender writes them, not this text.
      return secret;
    default:
      return secret;
  }
}

/** Replaces a secret inside serialised JSON by its \\u escapes. */
export function escapeSecretInJson(json: string, secret: string): string {
  if (secret === '') return json;
  const escaped = [...secret]
    .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
  return json.replaceAll(JSON.stringify(secret).slice(1, -1), escaped);
}

function splitWords(text: string): string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/gu) ?? (text === '' ? [] : [text]);
}

function countedPieces(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i === 0 ? '' : ' '}chunk${i + 1}`);
}

function* repeat(piece: string, times: number): Generator<string> {
  for (let i = 0; i < times; i++) yield piece;
}
