/** RelayAPI for Node backends: seal a provider key and its limits into a URL (interfaces: README). */
export { MintError, RaiError, Secret } from 'relayapi-token';
export { type ClientOptions, RelayAPIClient } from './client.ts';
export type {
  AwsCredential,
  ClientCredential,
  Credential,
  CredentialParts,
  GoogleServiceAccount,
  KlingCredential,
  OciCredential,
  SapServiceKey,
  TencentCredential,
} from './credential-types.ts';
export { type GenerateOptions, OPTION_NAMES, type UpstreamOptions } from './options.ts';
export { type ReadRaiOptions, readRaiBytes, readRaiFile } from './rai-file.ts';
