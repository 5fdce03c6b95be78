/** The shelf's entry: makes the credential that a scheme asks for, and remembers tokens until shortly before their end. */

import { LRUCache } from 'lru-cache';
import { concatBytes, encodeBase64Url, encodeUtf8, Secret, sha256 } from 'relayapi-token';
import type { Clock } from '../clock.ts';
import type { HeaderAuth, QueryAuth, SignedAuth } from '../providers/provider.ts';
import {
  type CredentialFault,
  type CredentialMaker,
  type FetchToken,
  type Ingredients,
  isFault,
  type MadeCredential,
  type RequestToSign,
} from './credential.ts';
import { encodePairs, fill } from './fill.ts';
import { signOracle } from './oci.ts';
import { mintToken, type ShortLived } from './short-lived.ts';
import { signAws } from './sigv4.ts';
import { signTencent } from './tc3.ts';
import { signVolcengine } from './volcengine.ts';

const SIGNERS: Readonly<
  Record<
    SignedAuth['by'],
    (ingredients: Ingredients, request: RequestToSign, time: { nowMs: number }) => Promise<MadeCredential>
  >
> = {
  'aws-sigv4': signAws,
  'tencent-tc3': signTencent,
  volcengine: signVolcengine,
  oci: signOracle,
};

/** Tokens remembered; a forgotten one is fetched again. */
const MOST_TOKENS = 4096;
/** A token is not used in its last minute, or in the last half of a shorter life. */
const MARGIN_MS = 60_000;

interface Remembered {
  readonly live: Promise<ShortLived | CredentialFault>;
  untilMs: number;
}

/** Makes the maker. */
export function createCredentialMaker(clock: Clock): CredentialMaker {
  const remembered = new LRUCache<string, Remembered>({ max: MOST_TOKENS });

  /** Requests that come while a token is being fetched wait for the same one. */
  async function tokenOf(
    ingredients: Ingredients,
    fetchToken: FetchToken,
  ): Promise<ShortLived | CredentialFault> {
    const name = nameOf(ingredients);
    const known = remembered.get(name);
    if (known !== undefined && clock.nowMs() < known.untilMs) return known.live;
    const nowMs = clock.nowMs();
    const live = mintToken(ingredients, { nowMs, fetchToken, newId: () => crypto.randomUUID() });
    const entry: Remembered = { live, untilMs: Number.POSITIVE_INFINITY };
    remembered.set(name, entry);
    const forget = () => {
      if (remembered.peek(name) === entry) remembered.delete(name);
    };
    try {
      const token = await live;
      if (isFault(token)) forget();
      else entry.untilMs = token.endsAtMs - Math.min(MARGIN_MS, (token.endsAtMs - nowMs) / 2);
      return token;
    } catch (error) {
      forget();
      throw error;
    }
  }

  return {
    async make(ingredients, request, fetchToken) {
      const { scheme } = ingredients;
      try {
        if (scheme.kind === 'signed') {
          return await SIGNERS[scheme.by](ingredients, request, { nowMs: clock.nowMs() });
        }
        const token = await tokenOf(ingredients, fetchToken);
        return isFault(token) ? token : lineFor(scheme.then, token.token);
      } catch {
        // parts that no key can be read from; what a library says of them may hold a piece
        return { fault: 'refused', reason: 'the credential’s parts cannot be used' };
      }
    },
    forget: (ingredients) => void remembered.delete(nameOf(ingredients)),
  };
}

function lineFor(then: HeaderAuth | QueryAuth, token: Secret): MadeCredential {
  const values = { access_token: token };
  if (then.kind === 'header') {
    const value = new Secret(fill(then.template, values));
    return { headers: [[then.name, value]], query: null, secrets: [token] };
  }
  const pairs = then.pairs.map(({ name, template }) => [name, fill(template, values)] as const);
  return { headers: [], query: new Secret(encodePairs(pairs, then.separator)), secrets: [token] };
}

/** A digest of scheme, parts and variables: no credential is kept as a map key. */
function nameOf({ scheme, parts, vars }: Ingredients): string {
  const revealed = Object.keys(parts)
    .sort()
    .map((name) => [name, (parts[name] as Secret).reveal()]);
  const texts = [JSON.stringify(scheme), JSON.stringify(revealed), JSON.stringify(vars)];
  return encodeBase64Url(sha256(concatBytes(...texts.map((text) => sha256(encodeUtf8(text))))));
}
