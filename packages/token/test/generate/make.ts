/**
 * The vocabulary that the case files share: ready-made tokens of both methods and the form of one case.
 */
import { b64, ecdhKek, type JweParts, type Pair, type Plain, pairFor, sealJwe, signJws } from './crypto.ts';
import { aesKeys, ecKeys, NOW } from './keyrings.ts';

/** What a case expects. `opened` passes all of §4; the others are the codes of §4. */
export type Result =
  | 'opened'
  | 'token_invalid'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'token_unsupported'
  | 'claim_not_allowed'
  | 'token_revoked';

/** One case of open.json. */
export interface OpenCase {
  name: string;
  spec: string;
  now: number;
  token: string;
  result: Result;
  /** The claim a refusal names. */
  claim?: string;
  /** Features (camel case names of TokenFeatures) that the relay has beyond the core. */
  supported?: string[];
  /** The claims' JSON as sealed; of an opened token also what is expected back. */
  claims_text?: string;
  /** What minting these claims must do: the claim an SDK refuses, or null where it seals them. */
  mint?: string | null;
  /** `kid` (and signer's) of an opened token. */
  kid?: string;
  signer_kid?: string;
}

/** The header of an `aes` token. */
export const HEADER = '{"alg":"A256KW","enc":"A256GCM","kid":"aes-key-1","typ":"rai+jwt"}';

/** Claims that pass everything in aes.rai. */
export const good = (extra: Plain = {}): Plain => ({
  iss: 'shop',
  aud: 'relay.example.com',
  jti: 'AAECAwQFBgcICQoL',
  iat: NOW - 10,
  exp: NOW + 3590,
  upstream: { provider: 'openai', key: 'sk-vector-not-a-key' },
  ...extra,
});

/** The same without some members. */
export function without(from: Plain, ...names: string[]): Plain {
  return Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name)));
}

/** Header, claims or plaintext and changes of an `aes` token. */
export interface AesOptions extends Partial<JweParts> {
  claims?: Plain | string;
}

/** An `aes` token for aes-key-1 unless told otherwise. */
export function aes(label: string, o: AesOptions = {}): string {
  const claims = o.claims ?? good();
  const plaintext = o.plaintext ?? (typeof claims === 'string' ? claims : JSON.stringify(claims));
  return sealJwe({ header: HEADER, kek: aesKeys['aes-key-1'], ...o, plaintext, label });
}

/** Claims that pass everything in ecc.rai. */
export const goodEcc = (extra: Plain = {}): Plain => good({ iss: 'shop-ecc', exp: NOW + 3000, ...extra });

/** What may differ in an `ecc` token. */
export interface EccOptions {
  claims?: Plain | string;
  /** Members over the outer header; undefined removes one. */
  outer?: Plain;
  /** The outer header's whole text, from the ephemeral key. */
  outerText?: (epk: Plain) => string;
  innerHeader?: string;
  signer?: Pair;
  relay?: Pair;
  /** The nested text instead of a JWS over claims. */
  nested?: string | ((jws: string) => string);
  highS?: boolean;
  apu?: Buffer;
  after?: (parts: string[]) => string[];
}

/** The inner header of an `ecc` token. */
export const INNER = '{"alg":"ES256","kid":"sig-shop1","typ":"rai+jwt"}';

/** An `ecc` token of shop-ecc for ecc-relay unless told otherwise. */
export function ecc(label: string, o: EccOptions = {}): string {
  const claims = o.claims ?? goodEcc();
  const payload = typeof claims === 'string' ? claims : JSON.stringify(claims);
  const jws = signJws(o.innerHeader ?? INNER, payload, o.signer ?? ecKeys['sig-shop1'], {
    highS: o.highS ?? false,
  });
  const nested = typeof o.nested === 'function' ? o.nested(jws) : (o.nested ?? jws);
  const ephemeral = pairFor(`epk ${label}`);
  const epk = { kty: 'EC', crv: 'P-256', x: ephemeral.x, y: ephemeral.y };
  const header = {
    alg: 'ECDH-ES+A256KW',
    enc: 'A256GCM',
    kid: 'ecc-relay',
    typ: 'rai+jwt',
    cty: 'JWT',
    epk,
    ...o.outer,
  };
  return sealJwe({
    label,
    header: o.outerText?.(epk) ?? JSON.stringify(header),
    plaintext: nested,
    kek: ecdhKek(ephemeral, o.relay ?? ecKeys['ecc-relay'], 'ECDH-ES+A256KW', o.apu),
    ...(o.after ? { after: o.after } : {}),
  });
}

/** A case that every relay answers with token_invalid. */
export function invalid(spec: string, name: string, token: string, extra: Partial<OpenCase> = {}): OpenCase {
  return { name, spec, now: NOW, token, result: 'token_invalid', ...extra };
}

/** A case that opens. */
export function opens(spec: string, name: string, token: string, extra: Partial<OpenCase> = {}): OpenCase {
  return { name, spec, now: NOW, token, result: 'opened', ...extra };
}

/** Another spelling of the same bytes: the unused low bits of the last character set. */
export function stray(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  if (part.length % 4 === 0) throw new Error('this part has no unused bits');
  return part.slice(0, -1) + alphabet[alphabet.indexOf(part.at(-1) as string) + 1];
}

/** One bit of a part's bytes changed. */
export function flip(part: string, at = 0): string {
  const bytes = Buffer.from(part, 'base64url');
  bytes[at] = (bytes[at] as number) ^ 1;
  return b64(bytes);
}

/** A change of one of the five parts. */
export const change = (index: number, how: (part: string) => string) => (parts: string[]) =>
  parts.map((part, i) => (i === index ? how(part) : part));
