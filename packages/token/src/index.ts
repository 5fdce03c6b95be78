/**
 * RelayAPI's tokens and `.rai` files: seal, open, read, write. Runs in any JavaScript runtime.
 * The only file of this package that re-exports.
 */
export {
  concatBytes,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  encodeUtf8,
  randomBytes,
  sha256,
} from './bytes.ts';
export { isPathEntry } from './claim-rules.ts';
export type { Claims, Limits, ParsedClaims, TokenFeatures, UpstreamClaim } from './claims.ts';
export {
  CORE_FEATURES,
  effectiveAttempts,
  findUnsupported,
  parseClaims,
  RELEASE_FEATURES,
} from './claims.ts';
export { isCountryCode } from './country-codes.ts';
export type { Problem } from './errors.ts';
export { MintError, RaiError } from './errors.ts';
export type { JudgeOptions, TokenDenial } from './judge.ts';
export { allowOf, judgeToken } from './judge.ts';
export {
  judgeKey,
  type KeyKinds,
  type KeyPlace,
  type KeyVerdict,
  keyKindsOf,
  looksLikeKeyOf,
} from './key-kinds.ts';
export type { KeyEntry, Keyring, KeyringResult } from './keyring.ts';
export { createKeyring } from './keyring.ts';
export type { EcPrivateKey, EcPublicKey, KeyStatus, OctKey } from './keys.ts';
export { openToken } from './open.ts';
export type { ByteTools, EphemeralKey, OpenedToken } from './open-checks.ts';
export type { OpenPrimitives, SyncOpener } from './open-sync.ts';
export { createSyncOpener } from './open-sync.ts';
export { parseRai } from './rai.ts';
export type { Allow, Revoke } from './rai-allow.ts';
export type {
  AesIssuerFile,
  AesRelayFile,
  AesSharedFile,
  EccIssuer,
  EccIssuerFile,
  EccRelayFile,
  RaiFile,
} from './rai-file.ts';
export type { CreateRaiOptions, RaiPair, RotateRaiOptions } from './rai-make.ts';
export { createRai, rotateRai, upgradeRai } from './rai-make.ts';
export { findToken, joinRelayUrl } from './relay-url.ts';
export type { MintClaims, MintUpstream, Sealer } from './seal.ts';
export { createSealer, sealToken } from './seal.ts';
export type { SealPrimitives } from './seal-primitives.ts';
export { Secret, SecretBytes } from './secret.ts';
export type { SivBox } from './siv.ts';
export { createSivBox } from './siv.ts';
export type { JsonValue, JsonVisitor, StrictJsonOptions, StrictJsonReason } from './strict-json.ts';
export { parseStrictJson, StrictJsonError, scanStrictJson } from './strict-json.ts';
export { isTokenShaped, MAX_TOKEN_LENGTH } from './token-shape.ts';
