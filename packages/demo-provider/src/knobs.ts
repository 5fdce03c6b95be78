/**
 * Reads knobs: how a test asks for an answer that is slow, broken or hostile. A knob stands in the model name
 * (`demo-delay-500`, several joined by `+`), because a model name is what a relay passes on untouched.
 */
import { KNOBS, type KnobArguments, type Knobs } from './knob-table.ts';

/** Model names that look like knobs and are not: they behave well. */
export const PLAIN_MODELS: readonly string[] = [
  'demo',
  'demo-chat',
  'demo-model',
  'demo-small',
  'demo-large',
  'demo-embedding',
  'demo-voice',
];

/** A request without knobs. */
export const NO_KNOBS: Knobs = Object.freeze({});

/** Reads a knob list such as `demo-delay-5+die-3`. An unknown knob or a bad number is a message, not knobs. */
export function parseKnobs(model: string): Knobs | { problem: string } {
  const start = /^(?:[\w.~-]+\/)?(?=demo(?:-|$))/.exec(model);
  if (start === null) return NO_KNOBS;
  const name = model.slice(start[0].length);
  if (PLAIN_MODELS.includes(name)) return NO_KNOBS;
  const knobs: Knobs = {};
  for (const part of name.split('+')) {
    const words = (part.startsWith('demo-') ? part.slice(5) : part).split('-');
    const definition = KNOBS.get(words[0] as string);
    if (definition === undefined) {
      return {
        problem: `The demo provider has no knob "${words[0]}". It has: ${[...KNOBS.keys()].join(', ')}.`,
      };
    }
    try {
      definition.apply(knobs, createArguments(words.slice(1)));
    } catch {
      return { problem: `The knob "${part}" is not of the form demo-${definition.form}.` };
    }
  }
  return knobs;
}

function createArguments(words: string[]): KnobArguments {
  return {
    number(index, fallback) {
      const word = words[index];
      if (word === undefined && fallback !== undefined) return fallback;
      if (word === undefined || !/^\d{1,9}$/.test(word)) throw new RangeError('not a whole number');
      return Number(word);
    },
    word: (index) => words[index],
    rest: (index) => decodeURIComponent(words.slice(index).join('-')),
  };
}
