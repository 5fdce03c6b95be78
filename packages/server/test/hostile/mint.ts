/** Seals tokens with claims and a time of the test's choosing; the SDK only knows the real clock. */
import { encodeBase64Url, type MintClaims, parseRai, randomBytes, sealToken } from 'relayapi-token';
import type { RelayFixture } from '../support/relay-fixture.ts';
import { UPSTREAM_KEY } from '../support/relay-fixture.ts';

/** A token of an issuer file; 100 calls of provider `demo` and an hour unless `claims` say otherwise. */
export function mintToken(issuer: object, nowSeconds: number, claims: Partial<MintClaims> = {}): string {
  const { iss, aud } = issuer as { iss: string; aud: string };
  return sealToken(parseRai(issuer), {
    iss,
    aud,
    jti: encodeBase64Url(randomBytes(16)),
    iat: nowSeconds,
    exp: nowSeconds + 3600,
    upstream: { provider: 'demo', key: UPSTREAM_KEY },
    limits: { calls: 100 },
    ...claims,
  });
}

/** The relay URL with such a token. */
export function mintUrl(
  relay: RelayFixture,
  nowSeconds: number,
  claims: Partial<MintClaims> = {},
  issuer: object = relay.files.issuer,
): string {
  return `${relay.origin}/relayapi/${mintToken(issuer, nowSeconds, claims)}`;
}
