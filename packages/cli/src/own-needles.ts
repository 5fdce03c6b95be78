/** A user's own secrets as texts to look for: as they are, percent-encoded, in base64 at each alignment and in hex. */
import type { Secret } from 'relayapi-token';

/** What to look for, and what it is. The texts are as secret as what they were made of. */
export interface Needle {
  readonly name: string;
  readonly form: 'plain' | 'percent-encoded' | 'base64' | 'hex';
  readonly secret: Secret;
}

/** A place at which a needle stands. */
export interface NeedleHit {
  readonly needle: Needle;
  readonly start: number;
  readonly end: number;
}

/** Shorter ones would be found in ordinary words. */
const SHORTEST = 8;

/** Every spelling of a secret that is long enough. `wrap` makes a Secret of a text. */
export function needlesOf(name: string, secret: Secret, wrap: (text: string) => Secret): Needle[] {
  if (secret.length < SHORTEST) return [];
  const bytes = Buffer.from(secret.reveal(), 'utf8');
  const forms: [Needle['form'], string][] = [
    ['plain', bytes.toString('latin1')],
    ['percent-encoded', encodeURIComponent(bytes.toString('utf8'))],
    ['hex', bytes.toString('hex')],
    ['hex', bytes.toString('hex').toUpperCase()],
    ...[0, 1, 2].flatMap((before) => base64Middles(bytes, before)),
  ];
  const seen = new Set<string>();
  return forms
    .filter(([, text]) => text.length >= SHORTEST && !seen.has(text) && seen.add(text))
    .map(([form, text]) => ({ name, form, secret: wrap(text) }));
}

/** The characters of the base64 of any text with `bytes` after `before` (mod 3) others that depend on `bytes` alone; in both alphabets. */
function base64Middles(bytes: Buffer, before: number): [Needle['form'], string][] {
  const padded = Buffer.concat([Buffer.alloc(before), bytes]);
  const from = Math.ceil((before * 8) / 6);
  const to = Math.floor((padded.length * 8) / 6);
  return (['base64', 'base64url'] as const).map((alphabet) => [
    'base64',
    padded.toString(alphabet).slice(from, to),
  ]);
}

/** Every place of a text at which a needle stands. */
export function findNeedles(text: string, needles: readonly Needle[]): NeedleHit[] {
  const hits: NeedleHit[] = [];
  for (const needle of needles) {
    const wanted = needle.secret.reveal();
    for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) {
      hits.push({ needle, start: at, end: at + wanted.length });
    }
  }
  return hits;
}
