/**
 * What policy may be told. The file keys, bounds and environment names stand in config's `rate_limit` and `damping` groups;
 * here is the shape that the stage works with, in milliseconds and bytes.
 */

/** A token bucket: `perSecond` requests per second and `burst` at once; `perSecond` 0 = off, `burst` 0 = what one second brings. */
export interface FloodLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Options of the policy stage. */
export interface PolicyOptions {
  /** All callers together, before authentication. Default off. */
  readonly flood: FloodLimit;
  /** Each client address (IPv6: /64), before authentication. Default off. */
  readonly addressFlood: FloodLimit;
  /** Failed openings of one address within `dampingWindowMs` from which its unknown tokens are turned away; 0 = off. Default 100. */
  readonly dampingFailures: number;
  /** Default 10 s. */
  readonly dampingWindowMs: number;
  /** Tokens being opened at the same time. Default 32. */
  readonly openings: number;
  /** Openings that may wait for that; more get 503. Default 256. */
  readonly waitingOpenings: number;
  /** Opened tokens kept for up to 60 s. Default 10,000; 0 = none. */
  readonly cachedTokens: number;
  /** Largest request body in bytes; a token's `request_bytes` may only lower it. Default 10 MiB. */
  readonly maxBodyBytes: number;
  /** Origin under which browsers reach the relay, from `public_url`; null: taken from `Host`. */
  readonly ownOrigin: string | null;
  /** Whether callers' countries can be known: `country_header` or `geoip_file` is set. Without, a token with `countries` is unsupported. Default false. */
  readonly countries: boolean;
  /** Life of a concurrency lease that is not renewed. Default 30 s. */
  readonly leaseMs: number;
}

/** The config keys that policy reads. */
export interface PolicyConfig {
  readonly rate_limit?: {
    readonly requests_per_second: number;
    readonly burst: number;
    readonly ip_limit: { readonly requests_per_second: number; readonly burst: number };
  };
  readonly damping?: {
    readonly failures: number;
    /** Seconds. */
    readonly window: number;
    readonly openings: number;
    readonly waiting: number;
    readonly cached_tokens: number;
  };
  readonly max_body_bytes?: number;
  readonly public_url?: string | null;
  readonly country_header?: string | null;
  readonly geoip_file?: string | null;
}

/** Options from config values, with every default filled in. */
export function createPolicyOptions(config: PolicyConfig = {}): PolicyOptions {
  const { rate_limit: rate, damping, public_url: publicUrl = null } = config;
  return {
    flood: { perSecond: rate?.requests_per_second ?? 0, burst: rate?.burst ?? 0 },
    addressFlood: { perSecond: rate?.ip_limit.requests_per_second ?? 0, burst: rate?.ip_limit.burst ?? 0 },
    dampingFailures: damping?.failures ?? 100,
    dampingWindowMs: (damping?.window ?? 10) * 1000,
    openings: damping?.openings ?? 32,
    waitingOpenings: damping?.waiting ?? 256,
    cachedTokens: damping?.cached_tokens ?? 10_000,
    maxBodyBytes: config.max_body_bytes ?? 10 * 1024 * 1024,
    ownOrigin: publicUrl === null ? null : new URL(publicUrl).origin,
    countries: (config.country_header ?? config.geoip_file ?? null) !== null,
    leaseMs: 30_000,
  };
}
