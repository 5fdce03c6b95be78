/**
 * What ingress may be told. The file keys, bounds and environment names stand in config's `server` and `cors` groups;
 * here is the shape that the stage works with, in bytes, milliseconds and parsed ranges.
 */
import { type AddressRange, parseRange } from '../address.ts';

/** Options of the ingress stage. */
export interface IngressOptions {
  /** Path in front of the token; starts and ends with `/`. Default `/relayapi/`. */
  readonly basePath: string;
  /** Where callers reach the relay, base path included; null: taken from the request. Default null. */
  readonly publicUrl: string | null;
  /** Proxies whose `X-Forwarded-For` is believed. Default none. Too wide a range lets callers choose their own address. */
  readonly trustedProxies: readonly AddressRange[];
  /** Header in which a trusted proxy names the caller's country, lower case; null = none. Default null. */
  readonly countryHeader: string | null;
  /** Answers `Access-Control-Allow-Private-Network` in preflights. Default false. */
  readonly privateNetwork: boolean;
  /** Ceiling over all request bodies held in memory at once, in bytes. Default 256 MiB. */
  readonly maxBufferedBytes: number;
  /** Bodies of one token that are read into memory at the same time; more wait. Default 64. */
  readonly slotsPerToken: number;
  /** The same for one client address (IPv6: /64). Default 256. */
  readonly slotsPerAddress: number;
  /** Longest wait for a slot, in milliseconds; then 503 `capacity`. Default 10 s. */
  readonly slotWaitMs: number;
}

/** The config keys that ingress reads: `server.*` and `cors.private_network`. */
export interface IngressConfig {
  readonly base_path?: string;
  readonly public_url?: string | null;
  readonly trusted_proxies?: readonly string[];
  readonly country_header?: string | null;
  readonly private_network?: boolean;
  readonly max_buffered_bytes?: number;
}

/** Options from config values, with every default filled in. Throws `RangeError` naming the entry when an entry of `trusted_proxies` is no address or CIDR range. */
export function createIngressOptions(config: IngressConfig = {}): IngressOptions {
  return {
    basePath: config.base_path ?? '/relayapi/',
    publicUrl: config.public_url ?? null,
    trustedProxies: (config.trusted_proxies ?? []).map((text) => {
      const range = parseRange(text);
      if (range === null)
        throw new RangeError(`trusted_proxies: ${JSON.stringify(text)} is no address or CIDR range`);
      return range;
    }),
    countryHeader: config.country_header?.toLowerCase() ?? null,
    privateNetwork: config.private_network ?? false,
    maxBufferedBytes: config.max_buffered_bytes ?? 256 * 1024 * 1024,
    slotsPerToken: 64,
    slotsPerAddress: 256,
    slotWaitMs: 10_000,
  };
}
