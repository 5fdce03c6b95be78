/** What the signers have in common: the request they cover, the moment, and what a signature adds. */
import { Secret } from 'relayapi-token';
import type { SignedAuth } from '../providers/provider.ts';
import type { MadeCredential, RequestToSign } from './credential.ts';

/** One request to be signed, with what it is signed by. */
export interface Signing {
  readonly scheme: SignedAuth;
  readonly parts: Readonly<Record<string, Secret>>;
  readonly vars: Readonly<Record<string, string>>;
  readonly request: RequestToSign;
  readonly nowMs: number;
}

/** Signs a request; null when the parts are no key of this kind. */
export type Signer = (signing: Signing) => Promise<MadeCredential | null>;

const NO_SECRETS: readonly Secret[] = [];

/** The lines of a signature. Each is good for one request, so that a refused one cannot be forgotten, only not be made again. */
export function signedLines(lines: Readonly<Record<string, string>>): MadeCredential {
  const headers = Object.entries(lines).map(([name, value]) => [name, new Secret(value)] as const);
  return { headers, query: null, secrets: NO_SECRETS, refuse: () => false };
}

/** A part that the scheme's form of the credential has: routing checks the fields before. */
export function partOf(parts: Readonly<Record<string, Secret>>, name: string): Secret {
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (part === undefined) throw new Error(`no credential field ${name}`);
  return part;
}

/** `20150830T123600Z`, as AWS and those who followed it write times. */
export function basicTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
}
