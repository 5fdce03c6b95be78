/** The idempotency key that goes up: HMAC-SHA256 (RFC 2104) over issuer, token and value, so that two tokens on one upstream key never collect each other's answers. */
import { concatBytes, encodeBase64Url, encodeUtf8, type Secret, sha256 } from 'relayapi-token';

const BLOCK_BYTES = 64;

/** HMAC-SHA256. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const inner = sha256(
    concatBytes(
      block.map((byte) => byte ^ 0x36),
      message,
    ),
  );
  return sha256(
    concatBytes(
      block.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
}

/** The value sent up for a caller's `Idempotency-Key`. The parts are joined by NUL, which none of them can hold. */
export function sealIdempotencyKey(secret: Secret, issuer: string, jti: string, value: string): string {
  const message = encodeUtf8(`${issuer}\0${jti}\0${value}`);
  return encodeBase64Url(hmacSha256(encodeUtf8(secret.reveal()), message));
}
