/**
 * Opens tokens sparingly: a bounded cache of opened ones, one opening per token at a time, a gate, damping of guessers
 * (token spec §4, behaviour spec §10). Says only whether a token is authentic; judging it is policy.ts.
 */
import { LRUCache } from 'lru-cache';
import type { Claims, Keyring, OpenedToken, openToken, Secret } from 'relayapi-token';
import { MAX_TOKEN_LENGTH } from 'relayapi-token';
import type { Clock } from '../clock.ts';
import { type Denial, deny } from '../errors.ts';
import type { Opened } from '../exchange.ts';
import { createDamping } from './damping.ts';
import { createGate } from './gate.ts';
import type { PolicyOptions } from './options.ts';

/** Opened tokens are opened anew after this time at the latest. */
const MAX_CACHE_MS = 60_000;
/** Digests of tokens that once opened, so that damping of a neighbour does not lock their holders out. */
const MAX_KNOWN_GOOD = 65_536;

/** The one answer to every token that does not open (token spec §4): no detail, ever. */
export const TOKEN_INVALID: Denial = Object.freeze(deny('token_invalid'));

/** What opening needs from outside. */
export interface OpenerPorts {
  readonly clock: Clock;
  /** The keys in force now. */
  readonly keyring: () => Keyring;
  /** SHA-256 of a text, synchronous, as bytes or as any one spelling of them. */
  readonly digest: (text: string) => string | Uint8Array;
  readonly open: typeof openToken;
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

/** How the cache of opened tokens does, for metrics; hits and misses since the start. */
export interface CacheSize {
  readonly openedCacheHits: number;
  readonly openedCacheMisses: number;
  readonly openedCacheEntries: number;
}

/** Opens tokens. */
export interface Opener {
  /** Opens a token for a caller at `clientGroup`. Never rejects for anything in a token. */
  open(token: Secret, clientGroup: string | null): Promise<Opened | Denial>;
  cacheSize(): CacheSize;
}

/** Tokens opened lately. */
interface OpenedCache {
  find(key: string, generation: number): Opened | null;
  keep(key: string, opened: Opened, generation: number): void;
  /** Whether this token ever opened, as far as is remembered. */
  knows(key: string): boolean;
  size(): CacheSize;
}

function readDigest(digest: string | Uint8Array): string {
  return typeof digest === 'string' ? digest : String.fromCharCode(...digest);
}

function createOpenedCache(most: number, clock: Clock, nowSeconds: () => number): OpenedCache {
  const cache = new LRUCache<string, CacheEntry>({ max: Math.max(1, most) });
  const knownGood = new LRUCache<string, true>({ max: MAX_KNOWN_GOOD });
  let hits = 0;
  let misses = 0;
  return {
    find(key, generation) {
      const entry = cache.get(key);
      if (entry !== undefined && entry.generation === generation && clock.monotonicMs() < entry.untilMs) {
        hits += 1;
        return entry.opened;
      }
      if (entry !== undefined) cache.delete(key);
      misses += 1;
      return null;
    },
    keep(key, opened, generation) {
      knownGood.set(key, true);
      const lifeMs = Math.min(MAX_CACHE_MS, (opened.claims.exp - nowSeconds()) * 1000);
      if (most > 0 && lifeMs > 0)
        cache.set(key, { opened, generation, untilMs: clock.monotonicMs() + lifeMs });
    },
    knows: (key) => knownGood.has(key),
    size: () => ({ openedCacheHits: hits, openedCacheMisses: misses, openedCacheEntries: cache.size }),
  };
}

/** Makes the opener. */
export function createOpener(options: PolicyOptions, ports: OpenerPorts): Opener {
  const { clock, keyring, nowSeconds } = ports;
  const cache = createOpenedCache(options.cachedTokens, clock, nowSeconds);
  const pending = new Map<string, Promise<Opened | Denial>>();
  const damping = createDamping(options.dampingFailures, options.dampingWindowMs, clock);
  const gate = createGate(options.openings, options.waitingOpenings);

  async function openNow(sealed: Secret, key: string): Promise<Opened | Denial> {
    const keys = keyring();
    const token: OpenedToken | null = await ports.open(sealed, keys, { now: nowSeconds() });
    if (token === null) return TOKEN_INVALID;
    const opened: Opened = { token, claims: ports.bind(token.claims), name: token.id };
    cache.keep(key, opened, keys.generation);
    return opened;
  }

  function openOnce(sealed: Secret, key: string, generation: number): Promise<Opened | Denial> {
    // The generation keeps a request that came after a reload from joining an opening under the old keys.
    const task = `${generation} ${key}`;
    const running = pending.get(task);
    if (running !== undefined) return running;
    const opening = gate.pass(() => openNow(sealed, key));
    if (opening === null)
      return Promise.resolve(deny('capacity', { reason: 'too many tokens being opened' }));
    const settled = opening.finally(() => pending.delete(task));
    pending.set(task, settled);
    return settled;
  }

  return {
    async open(sealed, clientGroup) {
      if (sealed.length > MAX_TOKEN_LENGTH) return TOKEN_INVALID;
      const key = readDigest(ports.digest(sealed.reveal()));
      const { generation } = keyring();
      const cached = cache.find(key, generation);
      if (cached !== null) return cached;
      if (damping.isDamped(clientGroup) && !cache.knows(key)) return TOKEN_INVALID;
      const result = await openOnce(sealed, key, generation);
      if (result === TOKEN_INVALID) damping.countFailure(clientGroup);
      return result;
    },
    cacheSize: cache.size,
  };
}
