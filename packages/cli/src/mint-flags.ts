/**
 * The SDK's options as flags: one row each, with how its text is read. What a value may be beyond its form the SDK decides.
 */
import { type GenerateOptions, OPTION_NAMES } from 'relayapi-sdk';
import type { JsonValue } from 'relayapi-token';
import { isMisused, type Misused, misuse } from './outcome.ts';

/** One flag. */
export interface MintFlag {
  readonly option: keyof GenerateOptions;
  /** `--max-calls`. */
  readonly flag: string;
  /** What stands after it in the help. */
  readonly value: string;
  readonly help: string;
  readonly group: string;
  /** Its value from all the texts that were given. */
  readonly read: (texts: readonly string[]) => unknown;
}

type Row = readonly [option: keyof GenerateOptions, value: string, help: string, kind: Kind, flag?: string];
type Kind = 'text' | 'count' | 'span' | 'calls' | 'list' | 'pairs' | 'rate' | 'json' | 'members' | 'numbers';

const GROUPS: Readonly<Record<string, readonly Row[]>> = {
  'Where calls go:': [
    ['provider', 'NAME', 'provider in the relay’s registry (default: openai)', 'text'],
    [
      'apiKey',
      'NAME',
      'variable that holds the key; without it the key is read from standard input',
      'text',
      'api-key-env',
    ],
    ['credential', 'PART=NAME', 'variables of a credential of several parts', 'pairs', 'credential-env'],
    ['vault', 'NAME', 'key that stays at the relay, instead of one in the token', 'text'],
    [
      'vars',
      'NAME=VALUE',
      'variables of the provider’s host, such as resource=my-resource for azure',
      'pairs',
    ],
    ['base', 'URL', 'another base URL; the relay’s key file must list its host', 'text'],
    ['upstreams', 'JSON', 'list of upstreams instead; keys by "apiKeyEnv" or "credentialEnv"', 'json'],
  ],
  'How much:': [
    ['maxCalls', 'N', 'calls over the token’s life, or "none" (default: 100)', 'calls'],
    ['maxAttempts', 'N', 'requests sent upstream, failed ones included', 'count'],
    ['expireSeconds', 'N', 'life in seconds (default: 3600)', 'span'],
    ['notBeforeSeconds', 'N', 'seconds until the token is valid', 'count'],
    ['rateLimit', 'N/SECONDS', 'at most N calls in any window of SECONDS', 'rate'],
    ['maxConcurrency', 'N', 'calls at the same time', 'count'],
    ['maxTokens', 'N', 'model tokens in total (not in this release)', 'count'],
    ['maxMicroUsd', 'N', 'spend in millionths of a dollar (not in this release)', 'count'],
    ['maxRequestBytes', 'N', 'bytes of one request body', 'count'],
    ['maxResponseBytes', 'N', 'bytes of one answer', 'count'],
    ['maxStreamSeconds', 'N', 'seconds one stream may last', 'count'],
  ],
  'Who may call:': [
    ['subject', 'NAME', 'the end user, for logs, revocation and limits per user', 'text'],
    ['allowedIps', 'LIST', 'addresses and CIDR ranges', 'list'],
    ['allowedOrigins', 'LIST', 'browser origins; "none" also lets other callers pass', 'list'],
    ['allowedCountries', 'LIST', 'ISO 3166-1 codes; the relay must know its callers’ countries', 'list'],
    ['replay', 'MODE', '"nonce" or "idempotency": refuse repeated requests', 'text'],
  ],
  'What may be asked:': [
    ['allowedModels', 'LIST', 'models, exact or ending in *', 'list'],
    ['allowedPaths', 'LIST', 'endpoints such as "POST /chat/completions"', 'list'],
    ['allowedFeatures', 'LIST', 'body features beyond plain inference; "" for none', 'list'],
    ['set', 'NAME=VALUE', 'body members to force, or a JSON object', 'members'],
    ['cap', 'NAME=N', 'ceilings on numeric body members, such as max_tokens=1024', 'numbers'],
  ],
  'Other:': [
    ['storeDown', 'MODE', '"open" or "closed": when the relay’s store is down', 'text'],
    ['meta', 'JSON', 'free data, at most 512 bytes', 'json'],
  ],
};

function kebab(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Every flag, in the order of the help. */
export const MINT_FLAGS: readonly MintFlag[] = Object.entries(GROUPS).flatMap(([group, rows]) =>
  rows.map(([option, value, help, kind, name]) => {
    const flag = `--${name ?? kebab(option)}`;
    return {
      option,
      flag,
      value,
      help,
      group,
      read: (texts: readonly string[]) => READERS[kind](flag, texts),
    };
  }),
);

type Reader = (flag: string, texts: readonly string[]) => unknown;

/** For flags that stand once. */
function once(read: (flag: string, text: string) => unknown): Reader {
  return (flag, texts) =>
    texts.length === 1 ? read(flag, texts[0] as string) : misuse(`${flag} stands twice; keep one`);
}

const READERS: Readonly<Record<Kind, Reader>> = {
  text: once((_flag, text) => text),
  count: once((flag, text) => readCount(flag, text, 0)),
  span: once((flag, text) => readCount(flag, text, 1)),
  calls: once((flag, text) => (text === 'none' ? null : readCount(flag, text, 0))),
  list: (_flag, texts) => readList(texts),
  pairs: (flag, texts) =>
    readPairs(
      flag,
      texts.flatMap((text) => text.split(',')),
      (text) => text,
    ),
  rate: once(readRate),
  json: once(readJson),
  members: (flag, texts) => readMembers(flag, texts, readLoose),
  numbers: (flag, texts) => readMembers(flag, texts, (text) => readCount(flag, text, 0)),
};

/** A whole number; its text is not repeated when it is none. */
export function readCount(flag: string, text: string, least: number): number | Misused {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  return misuse(`${flag} takes a whole number of at least ${least}`);
}

/** A repeated or comma-separated flag as one list; empty items are dropped, so that `""` is the empty list. */
export function readList(texts: readonly string[]): string[] {
  return texts
    .flatMap((text) => text.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function readRate(flag: string, text: string): unknown {
  const match = /^(\d{1,16})\/(\d{1,16})$/.exec(text);
  if (!match) return misuse(`${flag} takes N/SECONDS, such as 10/60 for ten a minute`);
  return { requests: Number(match[1]), perSeconds: Number(match[2]) };
}

function readJson(flag: string, text: string): JsonValue | Misused {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return misuse(`${flag} takes JSON; in a shell put it in single quotes: ${flag} '{"plan":"free"}'`);
  }
}

/** A number, true, false, null, list or object as JSON; anything else is a text. */
function readLoose(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function readMembers(flag: string, texts: readonly string[], read: (text: string) => unknown): unknown {
  const [first = ''] = texts;
  return texts.length === 1 && first.trimStart().startsWith('{')
    ? readJson(flag, first)
    : readPairs(flag, texts, read);
}

/** `NAME=VALUE` texts, split at the first `=`. Each value goes through `read`. */
export function readPairs(
  flag: string,
  texts: readonly string[],
  read: (text: string) => unknown,
): Record<string, unknown> | Misused {
  const pairs = new Map<string, unknown>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) return misuse(`${flag} takes NAME=VALUE`);
    const value = read(text.slice(at + 1));
    if (isMisused(value)) return value;
    pairs.set(text.slice(0, at).trim(), value);
  }
  return Object.fromEntries(pairs);
}

/** The SDK's message about a wrong option, in terms of flags: `maxCalls: …` becomes `--max-calls` and the rest. */
export function splitOptionMessage(message: string): { flag: string; reason: string } {
  const match = /^([A-Za-z]+)([^:\s]*): ([\s\S]*)$/.exec(message);
  const option = OPTION_NAMES.find((name) => name === match?.[1]);
  const flag = MINT_FLAGS.find((each) => each.option === option)?.flag;
  if (!match || flag === undefined) return { flag: '', reason: message };
  return { flag: `${flag}${match[2]}`, reason: match[3] as string };
}
