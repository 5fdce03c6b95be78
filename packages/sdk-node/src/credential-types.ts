/** Credentials of several parts, as each vendor's own tools write them. Types only; credentials.ts turns them into the parts of a token. */
import type { Secret } from 'relayapi-token';

/** AWS, and whoever signs as it does (Volcengine): access keys, or temporary ones with their session token. */
export interface AwsCredential {
  readonly accessKeyId: string | Secret;
  readonly secretAccessKey: string | Secret;
  /** Of temporary keys alone. */
  readonly sessionToken?: string | Secret | undefined;
}

/** A Google service account: the JSON file of its key, parsed. Members beside these two are not sealed. */
export interface GoogleServiceAccount {
  readonly client_email: string | Secret;
  /** PEM, or the base64 inside it. */
  readonly private_key: string | Secret;
  readonly [other: string]: unknown;
}

/** Tencent Cloud's API keys. */
export interface TencentCredential {
  readonly secretId: string | Secret;
  readonly secretKey: string | Secret;
}

/** Kling AI's pair of keys. */
export interface KlingCredential {
  readonly accessKey: string | Secret;
  readonly secretKey: string | Secret;
}

/** An OAuth client: Baidu's API key and secret key, and others with client credentials. */
export interface ClientCredential {
  readonly clientId: string | Secret;
  readonly clientSecret: string | Secret;
}

/** A service key of SAP AI Core, parsed. Members beside these two are not sealed; its URLs go into `vars`. */
export interface SapServiceKey {
  readonly clientid: string | Secret;
  readonly clientsecret: string | Secret;
  readonly [other: string]: unknown;
}

/** An API signing key of Oracle Cloud, as in `~/.oci/config`. */
export interface OciCredential {
  readonly tenancy: string | Secret;
  readonly user: string | Secret;
  readonly fingerprint: string | Secret;
  /** PEM, PKCS #8 or the older form; without a passphrase. */
  readonly privateKey: string | Secret;
}

/** Parts under the names that the relay's registry has for them, such as `access_key_id` (docs/providers.md). */
export type CredentialParts = Readonly<Record<string, string | Secret>>;

/** A credential of several parts: one of the vendors' objects, the text of a Google or SAP key file, or the parts themselves. */
export type Credential =
  | AwsCredential
  | GoogleServiceAccount
  | TencentCredential
  | KlingCredential
  | ClientCredential
  | SapServiceKey
  | OciCredential
  | CredentialParts
  | string
  | Secret;
