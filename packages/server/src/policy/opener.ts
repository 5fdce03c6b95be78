/**
 * Opens tokens sparingly: a bounded cache of opened ones, one opening per token at a time, a gate, damping of guessers
 * (token spec §4, behaviour spec §10). Says only whether a token is authentic; judging it is policy.ts.
 */
import type { Claims, Keyring, OpenedToken, Secret } from 'relayapi-token';
import { encodeBase64Url, MAX_TOKEN_LENGTH } from 'relayapi-token';
import type { Clock } from '../clock.ts';
import { type Denial, deny } from '../errors.ts';
import type { Opened } from '../exchange.ts';
import type { MaybePromise } from '../io.ts';
import { createLateLru } from '../late-lru.ts';
import { createDamping, type Damping } from './damping.ts';
import { createGate } from './gate.ts';
import type { PolicyOptions } from './options.ts';

/** Opened tokens are opened anew after this time at the latest. */
const MAX_CACHE_MS = 60_000;
/** Digests of tokens that once opened, so that damping of a neighbour does not lock their holders out. */
const MAX_KNOWN_GOOD = 65_536;

/** The one answer to every token that does not open (token spec §4): no detail, ever. */
export const TOKEN_INVALID: Denial = Object.freeze(deny('token_invalid'));

/** Opens a token under a keyring at a time in seconds; null for whatever does not open. Answers at once or later, and never rejects for anything in a token. */
export type OpenToken = (
  token: Secret,
  keyring: Keyring,
  options: { now: number },
) => MaybePromise<OpenedToken | null>;

/** What opening needs from outside. */
export interface OpenerPorts {
  readonly clock: Clock;
  /** The keys in force now. */
  readonly keyring: () => Keyring;
  /** SHA-256 of a text, synchronous, as bytes or as any one spelling of them. */
  readonly digest: (text: string) => string | Uint8Array;
  readonly open: OpenToken;
  /** Failures that are counted together with other threads. Default: this one's own. */
  readonly damping?: Damping | undefined;
  /** What a token's claims come to at this relay. */
  readonly bind: (claims: Claims) => Claims;
  /** Wall seconds that tokens are judged by. */
  readonly nowSeconds: () => number;
}

interface CacheEntry {
  readonly opened: Opened;
  readonly generation: number;
  readonly untilMs: number;
}

/** How opening does, for metrics; hits, misses and turned away since the start. */
export interface OpeningFigures {
  readonly openedCacheHits: number;
  /** Openings that came to cryptography. */
  readonly openedCacheMisses: number;
  readonly openedCacheEntries: number;
  /** Tokens turned away unopened because of the caller's address. */
  readonly dampedOpenings: number;
  /** Addresses and IPv6 sites with failures in memory. */
  readonly dampingGroups: number;
}

/** Opens tokens. */
export interface Opener {
  /** Opens a token for a caller at `clientGroup`; at once where it was opened lately or the opener answers at once. Never rejects for anything in a token. */
  open(token: Secret, clientGroup: string | null): MaybePromise<Opened | Denial>;
  figures(): OpeningFigures;
}

/** Tokens opened lately. */
interface OpenedCache {
  find(key: string, generation: number): Opened | null;
  keep(key: string, opened: Opened, generation: number): void;
  /** Whether this token ever opened, as far as is remembered. */
  knows(key: string): boolean;
  /** A token that once opened and does no more. */
  forget(key: string): void;
  entries(): number;
}

function readDigest(digest: string | Uint8Array): string {
  return typeof digest === 'string' ? digest : encodeBase64Url(digest);
}

function createOpenedCache(most: number, clock: Clock): OpenedCache {
  const cache = createLateLru<string, CacheEntry>({ max: Math.max(1, most) });
  const knownGood = createLateLru<string, true>({ max: MAX_KNOWN_GOOD });
  return {
    find(key, generation) {
      const entry = cache.get(key);
      if (entry === undefined) return null;
      if (entry.generation === generation && clock.monotonicMs() < entry.untilMs) return entry.opened;
      cache.delete(key);
      return null;
    },
    keep(key, opened, generation) {
      knownGood.set(key, true);
      // Expired ones too: each hit is judged anew, and a flood of one old token is no failure that damping would count.
      if (most > 0) cache.set(key, { opened, generation, untilMs: clock.monotonicMs() + MAX_CACHE_MS });
    },
    knows: (key) => knownGood.has(key),
    forget: (key) => void knownGood.delete(key),
    entries: () => cache.size,
  };
}

/** An opening that waits or runs, and the addresses of those who wait for it. */
interface Pending {
  readonly groups: Set<string | null>;
  readonly result: Promise<Opened | Denial>;
}

/** Like `TOKEN_INVALID` in all that is seen; no opening, hence no failure. */
const TURNED_AWAY: Denial = Object.freeze(deny('token_invalid'));

const TOO_MANY: Denial = Object.freeze(deny('capacity', { reason: 'too many tokens being opened' }));

/** Makes the opener. */
export function createOpener(options: PolicyOptions, ports: OpenerPorts): Opener {
  const { clock, keyring, nowSeconds } = ports;
  const cache = createOpenedCache(options.cachedTokens, clock);
  const pending = new Map<string, Pending>();
  const damping = ports.damping ?? createDamping(options.dampingFailures, options.dampingWindowMs, clock);
  const gate = createGate(options.openings, options.waitingOpenings);
  let hits = 0;
  let misses = 0;
  let damped = 0;

  function openNow(
    sealed: Secret,
    key: string,
    groups: ReadonlySet<string | null>,
  ): MaybePromise<Opened | Denial> {
    misses += 1;
    const keys = keyring();
    const token = ports.open(sealed, keys, { now: nowSeconds() });
    return token instanceof Promise
      ? token.then((value) => conclude(value, key, keys, groups))
      : conclude(token, key, keys, groups);
  }

  function conclude(
    token: OpenedToken | null,
    key: string,
    keys: Keyring,
    groups: ReadonlySet<string | null>,
  ): Opened | Denial {
    if (token === null) {
      cache.forget(key);
      // Before the next one in the line is asked for; once per opening, however many requests waited for it.
      for (const group of groups) damping.countFailure(group);
      return TOKEN_INVALID;
    }
    const opened: Opened = { token, claims: ports.bind(token.claims), name: token.id };
    cache.keep(key, opened, keys.generation);
    return opened;
  }

  /** Those before it in the line may have used up the failures of its address: asked again at the last moment. */
  function openUnlessDamped(
    sealed: Secret,
    key: string,
    groups: ReadonlySet<string | null>,
  ): MaybePromise<Opened | Denial> {
    const wanted = cache.knows(key) || [...groups].some((group) => !damping.isDamped(group));
    return wanted ? openNow(sealed, key, groups) : TURNED_AWAY;
  }

  function openOnce(
    sealed: Secret,
    key: string,
    generation: number,
    clientGroup: string | null,
  ): MaybePromise<Opened | Denial> {
    // The generation keeps a request that came after a reload from joining an opening under the old keys.
    const task = `${generation} ${key}`;
    const running = pending.get(task);
    if (running !== undefined) {
      running.groups.add(clientGroup);
      return running.result;
    }
    const groups = new Set([clientGroup]);
    const passed = gate.pass(() => openUnlessDamped(sealed, key, groups), cache.knows(key));
    if (!(passed instanceof Promise)) return passed ?? TOO_MANY;
    const result = passed.then((opened) => opened ?? TOO_MANY).finally(() => pending.delete(task));
    pending.set(task, { groups, result });
    return result;
  }

  function answer(result: Opened | Denial): Opened | Denial {
    if (result !== TURNED_AWAY) return result;
    damped += 1;
    return TOKEN_INVALID;
  }

  return {
    open(sealed, clientGroup) {
      if (sealed.length > MAX_TOKEN_LENGTH) return TOKEN_INVALID;
      const key = readDigest(ports.digest(sealed.reveal()));
      const { generation } = keyring();
      const cached = cache.find(key, generation);
      if (cached !== null) {
        hits += 1;
        return cached;
      }
      if (damping.isDamped(clientGroup) && !cache.knows(key)) return answer(TURNED_AWAY);
      const result = openOnce(sealed, key, generation, clientGroup);
      return result instanceof Promise ? result.then(answer) : answer(result);
    },
    figures: () => ({
      openedCacheHits: hits,
      openedCacheMisses: misses,
      openedCacheEntries: cache.entries(),
      dampedOpenings: damped,
      dampingGroups: damping.size().groups,
    }),
  };
}
