/** An LRU cache that takes its memory with its first entry: a large one reserves all of it at once, and most relays never fill most of theirs. */
import { LRUCache } from 'lru-cache';

/** How a cache is bounded. */
export interface LateLruOptions<K, V> {
  /** Most entries. */
  readonly max: number;
  /** Told of each entry that leaves, for whatever reason. Default: nothing. */
  readonly dispose?: (value: V, key: K) => void;
}

/** An LRU cache. */
export interface LateLru<K, V> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): void;
  delete(key: K): void;
}

/** Makes a cache without entries. */
export function createLateLru<K extends {}, V extends {}>(options: LateLruOptions<K, V>): LateLru<K, V> {
  let cache: LRUCache<K, V> | null = null;
  return {
    get size() {
      return cache?.size ?? 0;
    },
    get: (key) => cache?.get(key),
    has: (key) => cache?.has(key) ?? false,
    set(key, value) {
      cache ??= new LRUCache<K, V>(options);
      cache.set(key, value);
    },
    delete: (key) => void cache?.delete(key),
  };
}
