/** The shelf's entry: makes the credential that a scheme asks for, and remembers tokens until shortly before their end. */
import { concatBytes, encodeBase64Url, encodeUtf8, Secret, sha256 } from 'relayapi-token';
import type { Clock } from '../clock.ts';
import { createLateLru } from '../late-lru.ts';
import type { HeaderAuth, QueryAuth, SignedAuth } from '../providers/provider.ts';
import {
  type CredentialFault,
  type CredentialMaker,
  type FetchToken,
  type Ingredients,
  isFault,
  type MadeCredential,
} from './credential.ts';
import { encodePairs, fill } from './fill.ts';
import { signOracle } from './oci.ts';
import { mintToken, UNUSABLE } from './short-lived.ts';
import type { Signer } from './signing.ts';
import { signAws } from './sigv4.ts';
import { signTencent } from './tc3.ts';
import { signVolcengine } from './volcengine.ts';

const SIGNERS: Readonly<Record<SignedAuth['by'], Signer>> = {
  'aws-sigv4': signAws,
  'tencent-tc3': signTencent,
  volcengine: signVolcengine,
  oci: signOracle,
};

/** Tokens remembered; a forgotten one is fetched again. */
const MOST_TOKENS = 4096;
/** A token is not used in its last minute, or in the last half of a shorter life. */
const MARGIN_MS = 60_000;
/** A token that was fetched because one was refused, and is refused as soon as this, shows that more of them will not help. */
const AGAIN_MS = 30_000;

interface Remembered {
  readonly made: Promise<MadeCredential | CredentialFault>;
  /** Null while it is being fetched. */
  window: Window | null;
}

/** When a token may be used: told by the clock that cannot be set, and by the wall, which goes on while a machine sleeps. */
interface Window {
  readonly fromWallMs: number;
  readonly untilWallMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Makes the maker. */
export function createCredentialMaker(clock: Clock): CredentialMaker {
  const remembered = createLateLru<string, Remembered>({ max: MOST_TOKENS });
  const refused = createLateLru<string, { readonly entry: Remembered; readonly atMs: number }>({
    max: MOST_TOKENS,
  });
  const names = new WeakMap<Ingredients, string>();

  function nameFor(ingredients: Ingredients): string {
    const known = names.get(ingredients);
    if (known !== undefined) return known;
    const name = nameOf(ingredients);
    names.set(ingredients, name);
    return name;
  }

  function isUsable({ window }: Remembered): boolean {
    if (window === null) return true;
    const wallMs = clock.nowMs();
    if (wallMs < window.fromWallMs || wallMs >= window.untilWallMs) return false;
    return clock.monotonicMs() < window.untilMs;
  }

  /** Requests that come while a token is being fetched wait for the same one. */
  function tokenOf(
    ingredients: Ingredients,
    fetchToken: FetchToken,
  ): Promise<MadeCredential | CredentialFault> {
    const name = nameFor(ingredients);
    const known = remembered.get(name);
    if (known !== undefined && isUsable(known)) return known.made;
    const obtaining = Promise.withResolvers<MadeCredential | CredentialFault>();
    const entry: Remembered = { made: obtaining.promise, window: null };
    remembered.set(name, entry);
    obtain(name, entry, ingredients, fetchToken).then(obtaining.resolve, obtaining.reject);
    return entry.made;
  }

  async function obtain(
    name: string,
    entry: Remembered,
    ingredients: Ingredients,
    fetchToken: FetchToken,
  ): Promise<MadeCredential | CredentialFault> {
    const { scheme } = ingredients;
    if (scheme.kind !== 'exchanged') throw new Error('no token');
    const [wallMs, nowMs] = [clock.nowMs(), clock.monotonicMs()];
    let isKept = false;
    try {
      const ports = { nowMs: wallMs, fetchToken, newId: () => crypto.randomUUID() };
      const token = await mintToken(scheme.by, ingredients, ports);
      if (isFault(token)) return token;
      const usedMs = token.lifeMs - Math.min(MARGIN_MS, token.lifeMs / 2);
      const fromWallMs = wallMs - MARGIN_MS;
      entry.window = { fromWallMs, untilWallMs: wallMs + usedMs, fromMs: nowMs, untilMs: nowMs + usedMs };
      isKept = true;
      return lineFor(scheme.put, token.token, () => refuse(name, entry));
    } finally {
      if (!isKept) forget(name, entry);
    }
  }

  function forget(name: string, entry: Remembered): void {
    if (remembered.get(name) === entry) remembered.delete(name);
  }

  /** A refused token may have ended early: the next call fetches another. One that was fetched for that and is refused too has ended nothing. */
  function refuse(name: string, entry: Remembered): boolean {
    forget(name, entry);
    const atMs = clock.monotonicMs();
    const last = refused.get(name);
    // calls that went up beside the first refused one tell nothing new
    if (last !== undefined && (last.entry === entry || fromMs(entry) < last.atMs)) return true;
    refused.set(name, { entry, atMs });
    return last === undefined || atMs - last.atMs >= AGAIN_MS;
  }

  return {
    async make(ingredients, request, fetchToken) {
      const { scheme, parts, vars } = ingredients;
      if (scheme.kind === 'exchanged') return tokenOf(ingredients, fetchToken);
      // what cannot stand in a line would be told by whoever throws for it
      if (Object.entries(parts).some(([field, part]) => field !== 'private_key' && !isLine(part)))
        return UNUSABLE;
      const signing = { scheme, parts, vars, request, nowMs: clock.nowMs() };
      return (await SIGNERS[scheme.by](signing)) ?? UNUSABLE;
    },
  };
}

function isLine(part: Secret): boolean {
  return /^[\x20-\x7e]*$/.test(part.reveal());
}

function fromMs({ window }: Remembered): number {
  return window?.fromMs ?? Number.NEGATIVE_INFINITY;
}

function lineFor(put: HeaderAuth | QueryAuth, token: Secret, refuse: () => boolean): MadeCredential {
  const values = { access_token: token };
  const secrets = [token];
  if (put.kind === 'header') {
    const value = new Secret(fill(put.template, values));
    return { headers: [[put.name.toLowerCase(), value]], query: null, secrets, refuse };
  }
  const pairs = put.pairs.map(({ name, template }) => [name, fill(template, values)] as const);
  return { headers: [], query: new Secret(encodePairs(pairs, put.separator)), secrets, refuse };
}

/** A digest of scheme, parts and variables: no credential is kept as a map key. */
function nameOf({ scheme, parts, vars }: Ingredients): string {
  const revealed = Object.keys(parts)
    .sort()
    .map((name) => [name, (parts[name] as Secret).reveal()]);
  const given = Object.entries(vars).sort(([one], [other]) => (one < other ? -1 : 1));
  const texts = [scheme, revealed, given].map((part) => JSON.stringify(part));
  return encodeBase64Url(sha256(concatBytes(...texts.map((text) => sha256(encodeUtf8(text))))));
}
