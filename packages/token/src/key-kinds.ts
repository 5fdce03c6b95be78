/**
 * What a provider's key looks like, and which kinds of key have no place in a token. The table is key-forms.ts, the judgement this file.
 * A key is named in messages by its public beginning and nothing else.
 */
import {
  BROAD_ACCOUNTS,
  CLOSED_HOUSES,
  KEY_FORMS,
  type KeyForm,
  OTHER_NAMES,
  PASSES_OTHERS,
} from './key-forms.ts';
import type { Secret } from './secret.ts';

/** Why a key should not be sealed, or not without a thought. */
export interface KeyVerdict {
  /** `refused`: no token may hold it. `broad`: it works, and opens more than model calls. */
  readonly kind: 'refused' | 'broad';
  /** Goes on after "this key" or "the key": `is an organisation admin key of OpenAI (sk-admin-…), …`. Holds no byte of the key but its public beginning. */
  readonly reason: string;
  /** What to do instead. */
  readonly fix: string;
}

/** Where a key is to go. */
export interface KeyPlace {
  /** Provider as a token names it: its id, or another name that the table knows. */
  readonly provider: string;
  /** Part of the credential; `key` for a plain one. */
  readonly field: string;
  /** True when calls go to a base URL of one's own: a gateway takes keys of any form. Default false. */
  readonly ownBase?: boolean;
}

/** What the table knows of one provider's keys, for documents and messages. */
export interface KeyKinds {
  /** Public beginnings of its ordinary keys; empty when they have none. */
  readonly prefixes: readonly string[];
  /** Beginnings of keys that are refused, with what they are. */
  readonly refused: readonly { readonly prefix: string; readonly what: string }[];
  /** Beginnings of keys that work and open more than model calls. */
  readonly broad: readonly { readonly prefix: string; readonly what: string }[];
}

/** Parts that hold a key or the name of one. Other parts are secrets without a form. */
const KEY_FIELDS: ReadonlySet<string> = new Set(['key', 'api_key', 'access_key_id', 'secret_id']);
/** Parts that are half of a pair, and what the pair is called. */
const HALVES: Readonly<Record<string, string>> = {
  access_key_id: 'accessKeyId and secretAccessKey',
  secret_id: 'secretId and secretKey',
};

// Longest beginning first, so that `sk-ant-admin` is not taken for `sk-ant-`.
const BY_LENGTH = [...KEY_FORMS].sort((a, b) => b.prefix.length - a.prefix.length);
const KNOWN = new Set([
  ...KEY_FORMS.flatMap(({ of }) => of),
  ...CLOSED_HOUSES,
  ...Object.keys(BROAD_ACCOUNTS),
]);
for (const gateway of PASSES_OTHERS) KNOWN.delete(gateway);

/** Judges one part of a credential before it is sealed, or used. Null when there is nothing to say. */
export function judgeKey(key: Secret, { provider, field, ownBase = false }: KeyPlace): KeyVerdict | null {
  if (!KEY_FIELDS.has(field)) return null;
  const id = idOf(provider);
  const forms = formsOf(key);
  const own = forms.find(({ of }) => of.includes(id));
  if (own !== undefined) return judgeOwn(own, field, ownBase);
  const form = forms.find(({ loose }) => loose !== true);
  if (form === undefined) return broadAccount(id, ownBase);
  if (ownBase || !KNOWN.has(id)) return null;
  return {
    kind: 'refused',
    reason: `looks like ${form.what} of ${form.house} (${form.prefix}…), but it is given for ${provider}`,
    fix: `give a key of ${provider}, or name the provider of this one: ${form.of.join(', ')}`,
  };
}

/** What the table knows of a provider's keys. */
export function keyKindsOf(provider: string): KeyKinds {
  const id = idOf(provider);
  const own = KEY_FORMS.filter(({ of }) => of.includes(id));
  const told = (verdict: KeyForm['verdict']) =>
    own.filter((form) => form.verdict === verdict).map(({ prefix, what }) => ({ prefix, what }));
  return {
    prefixes: own
      .filter(({ verdict, field }) => verdict === undefined && field === undefined)
      .map(({ prefix }) => prefix),
    refused: told('refused'),
    broad: told('broad'),
  };
}

/** Whether a key begins as this provider's do; true also where they have no beginning of their own. */
export function looksLikeKeyOf(provider: string, key: Secret): boolean {
  const id = idOf(provider);
  return keyKindsOf(id).prefixes.length === 0 || formsOf(key).some(({ of }) => of.includes(id));
}

function idOf(provider: string): string {
  return (Object.hasOwn(OTHER_NAMES, provider) ? OTHER_NAMES[provider] : undefined) ?? provider;
}

/** The forms that a key has, the one that says most first. */
function formsOf(key: Secret): readonly KeyForm[] {
  const text = key.reveal();
  return BY_LENGTH.filter(
    ({ prefix, rest }) =>
      text.startsWith(prefix) && (rest === undefined || rest.test(text.slice(prefix.length))),
  );
}

function judgeOwn(
  { verdict, what, house, prefix, field: place, fix }: KeyForm,
  field: string,
  ownBase: boolean,
): KeyVerdict | null {
  const half = place === undefined || ownBase ? undefined : HALVES[place];
  if (half !== undefined && field !== place) {
    return {
      kind: 'refused',
      reason: `is ${what} of ${house} alone (${prefix}…), which opens nothing by itself`,
      fix: `give both halves as credential: ${half}`,
    };
  }
  if (verdict === undefined || (verdict === 'broad' && ownBase)) return null;
  const named = prefix === '' ? '' : ` (${prefix}…)`;
  return {
    kind: verdict,
    reason: `is ${what} of ${house}${named}, which opens more than model calls`,
    fix: fix ?? '',
  };
}

function broadAccount(provider: string, ownBase: boolean): KeyVerdict | null {
  const broad = Object.hasOwn(BROAD_ACCOUNTS, provider) ? BROAD_ACCOUNTS[provider] : undefined;
  return broad === undefined || ownBase ? null : { kind: 'broad', ...broad };
}
