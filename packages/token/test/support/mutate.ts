/**
 * Mutations of a text, one character per byte: what every fuzzer here has in common. Knows no format; a dictionary brings the words
 * of one, another text of the corpus brings its pieces.
 */
import type { Random } from './random.ts';

/** What a mutation may draw on. */
export interface Material {
  readonly dictionary: readonly string[];
  /** Another text to take pieces of. */
  readonly other: () => string;
  /** Draws one character; default any byte. */
  readonly character?: (random: Random) => string;
  /** Longest text that comes out. */
  readonly maxLength: number;
}

const anyByte = (random: Random): string => String.fromCharCode(random.below(256));
const EDGES = [
  '0',
  '-1',
  '1',
  '127',
  '255',
  '256',
  '4096',
  '65536',
  '2147483648',
  '9007199254740993',
  '1e999',
];

type Mutation = (text: string, random: Random, material: Material) => string;

function cut(text: string, random: Random): [head: string, piece: string, tail: string] {
  const start = random.below(text.length + 1);
  const longest = Math.min(text.length - start, random.oneIn(4) ? text.length : 12);
  const end = start + random.below(longest + 1);
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}

const MUTATIONS: readonly Mutation[] = [
  // one character for another
  (text, random, { character = anyByte }) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + character(random) + text.slice(at + 1);
  },
  // one bit
  (text, random) => {
    const at = random.below(text.length);
    const flipped = (text.charCodeAt(at) ^ (1 << random.below(8))) & 255;
    return text === '' ? text : text.slice(0, at) + String.fromCharCode(flipped) + text.slice(at + 1);
  },
  // a character more
  (text, random, { character = anyByte }) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + character(random) + text.slice(at);
  },
  // a piece less
  (text, random) => {
    const [head, , tail] = cut(text, random);
    return head + tail;
  },
  // a piece again
  (text, random) => {
    const [head, piece, tail] = cut(text, random);
    return head + piece.repeat(2 + random.below(random.oneIn(8) ? 30 : 2)) + tail;
  },
  // a piece elsewhere
  (text, random) => {
    const [head, piece, tail] = cut(text, random);
    const rest = head + tail;
    const at = random.below(rest.length + 1);
    return rest.slice(0, at) + piece + rest.slice(at);
  },
  // a word in place of a piece, or between
  (text, random, { dictionary }) => {
    const [head, piece, tail] = cut(text, random);
    return head + random.pick(dictionary) + (random.oneIn(2) ? piece : '') + tail;
  },
  (text, random, { dictionary }) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + random.pick(dictionary) + text.slice(at);
  },
  // a piece of another text, or its end behind our beginning
  (text, random, { other }) => {
    const [head, , tail] = cut(text, random);
    return head + cut(other(), random)[1] + tail;
  },
  (text, random, { other }) => {
    const donor = other();
    return text.slice(0, random.below(text.length + 1)) + donor.slice(random.below(donor.length + 1));
  },
  // the end is missing
  (text, random) => text.slice(0, random.below(text.length + 1)),
  // another number
  (text, random) => {
    const numbers = [...text.matchAll(/\d+/g)];
    if (numbers.length === 0) return text;
    const { 0: digits, index } = random.pick(numbers);
    return text.slice(0, index) + random.pick(EDGES) + text.slice(index + digits.length);
  },
];

/** The text after one to four mutations. */
export function mutate(text: string, random: Random, material: Material): string {
  let mutated = text;
  for (let left = random.oneIn(2) ? 1 : 1 + random.below(4); left > 0; left--) {
    mutated = random.pick(MUTATIONS)(mutated, random, material);
  }
  return mutated.length > material.maxLength ? mutated.slice(0, material.maxLength) : mutated;
}
