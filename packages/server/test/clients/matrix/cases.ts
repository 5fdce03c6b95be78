/** Every way in which a call of the matrix goes wrong at a real relay, and how it is brought about. */
import type { GenerateOptions } from 'relayapi-sdk';
import type { ErrorCode } from '../../../src/errors.ts';

/** Relays that are not as they should be. */
export type OddRelay = 'impatient' | 'full' | 'down';

/** One refusal or failure. */
export interface Case {
  readonly code: ErrorCode;
  /** How it comes about, for the page. */
  readonly how: string;
  /** What the token says beside the provider. */
  readonly options?: Partial<GenerateOptions>;
  /** How the upstream misbehaves, as a knob of the demo provider. */
  readonly knob?: string;
  /** Another token than a good one. */
  readonly token?: 'broken' | 'expired';
  /** A first call that uses up what the token allows. */
  readonly first?: true;
  /** At another relay than the usual one: one that soon gives up an upstream, one with no room for counters, one whose counters are closed. */
  readonly at?: OddRelay;
}

/** The cases that real clients are led into. The other codes are shown to them in the relay's own words. */
export const CASES: readonly Case[] = [
  { code: 'token_invalid', how: 'a character too many in the token', token: 'broken' },
  { code: 'token_expired', how: 'a token whose time is over', token: 'expired' },
  { code: 'calls_exhausted', how: 'a token with no calls', options: { maxCalls: 0 } },
  { code: 'model_denied', how: 'a token for another model', options: { allowedModels: ['another'] } },
  {
    code: 'claim_not_allowed',
    how: 'a token for a path that the provider does not have',
    options: { allowedPaths: ['POST /elsewhere'] },
  },
  { code: 'ip_denied', how: 'a token for another address', options: { allowedIps: ['203.0.113.9'] } },
  { code: 'request_too_large', how: 'a token for bodies of 10 bytes', options: { maxRequestBytes: 10 } },
  {
    code: 'rate_limited',
    how: 'a second call on a token for one in ten minutes',
    options: { rateLimit: { requests: 1, perSeconds: 600 } },
    first: true,
  },
  { code: 'upstream_unreachable', how: 'the provider resets the connection', knob: 'demo-reset-before' },
  { code: 'upstream_auth', how: 'the provider answers 401', knob: 'demo-error-401' },
  { code: 'upstream_redirect', how: 'the provider answers 307', knob: 'demo-redirect-307-elsewhere' },
  { code: 'upstream_encoding', how: 'the provider answers in Brotli', knob: 'demo-encoding-br' },
  { code: 'upstream_timeout', how: 'the provider does not answer', knob: 'demo-hang', at: 'impatient' },
  { code: 'capacity', how: 'a relay whose memory for counters is full', at: 'full' },
  { code: 'store_down', how: 'a relay whose counters are closed', at: 'down' },
];
