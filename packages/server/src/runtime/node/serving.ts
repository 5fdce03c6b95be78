/** Who serves relay traffic, as the rest of the program sees it: the main thread itself (serve-traffic.ts) or workers (worker-pool.ts). */
import type { NamedRai } from '../../create-relay.ts';
import type { ListenAddress } from './addresses.ts';

/** Something that serves. */
export interface Serving {
  /** Where it listens. */
  readonly address: ListenAddress;
  /** Ids of the keys in force. */
  readonly kids: readonly string[];
  readonly storeType: string;
  /** One sentence on what the counters survive. */
  readonly storePromise: string;
  /** Whether requests can be served, and what speaks against it. */
  ready(): { readonly ok: boolean; readonly reasons: readonly string[] };
  /** All of it together, once. */
  metrics(): Promise<{ text: string; contentType: string }>;
  /** Calls being forwarded. */
  live(): number | Promise<number>;
  /** Takes a new set of key files whole; resolves when it is in force everywhere. */
  takeKeys(files: readonly NamedRai[]): Promise<void>;
  /** Takes the content of a new geoip file, which was found good. */
  takeCountries(bytes: Buffer): void;
  /** Tells of every listener of this process: none of them may be called as an upstream. */
  tellListeners(listeners: readonly ListenAddress[]): void;
  /** Refuses what is new, gives what runs `drainMs`, settles every call, keeps the counters. A second call only hurries. */
  close(drainMs: number): Promise<void>;
  /** Ends at once, and keeps nothing: for a start that failed. */
  abandon(): Promise<void>;
}
