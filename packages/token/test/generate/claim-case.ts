/** How a case about claims is made: sealed in an `aes` token, with what minting the same claims must do. */
import type { Plain } from './crypto.ts';
import { NOW } from './keyrings.ts';
import { aes, good, invalid, type OpenCase, opens, type Result } from './make.ts';

/** The token of some claims, and their text. */
const sealed = (name: string, claims: Plain | string): { token: string; claims_text: string } => ({
  token: aes(name, { claims }),
  claims_text: typeof claims === 'string' ? claims : JSON.stringify(claims),
});

/** Opens, and a mint must seal the same claims. */
export function ok(spec: string, name: string, claims: Plain | string): OpenCase {
  const s = sealed(name, claims);
  return opens(spec, name, s.token, { claims_text: s.claims_text, mint: null });
}

/** token_invalid, and a mint must refuse, naming `claim`. */
export function bad(spec: string, name: string, claim: string, claims: Plain | string): OpenCase {
  const s = sealed(name, claims);
  return invalid(spec, name, s.token, { claims_text: s.claims_text, mint: claim });
}

/** token_invalid for a text that only a hand-made token can hold. */
export const raw = (spec: string, name: string, text: string | Buffer): OpenCase =>
  invalid(spec, name, aes(name, { plaintext: text }));

/** A refusal that names a claim. */
export function answer(
  spec: string,
  name: string,
  result: Result,
  claim: string,
  claims: Plain,
  extra: Partial<OpenCase> = {},
): OpenCase {
  const s = sealed(name, claims);
  return { name, spec, now: NOW, token: s.token, result, claim, claims_text: s.claims_text, ...extra };
}

/** Claims with these members of `upstream`. */
export const up = (extra: Plain): Plain => good({ upstream: { provider: 'openai', ...extra } });
/** Claims with these limits. */
export const lim = (limits: unknown): Plain => good({ limits });
