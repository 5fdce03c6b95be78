/** AWS Signature Version 4, by aws4fetch. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
import { AwsV4Signer } from 'aws4fetch';
import type { MadeCredential } from './credential.ts';
import { sha256Hex } from './crypto.ts';
import { fill } from './fill.ts';
import { basicTime, type Signing, signedLines } from './signing.ts';

/** Lines without a meaning for the call that a transport or a proxy may write anew: a signature over them would break. Length and connection are the transport's and stand in no list. */
const UNSIGNED = new Set(['accept', 'accept-encoding', 'accept-language', 'cdn-loop', 'date', 'user-agent']);

/** Lines that a signature adds. */
const ADDED = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'];

/** Signs a request: host, type, whatever the entry sends beside, and the body's SHA-256, which goes along as the AWS SDKs send it. */
export async function signAws(signing: Signing): Promise<MadeCredential> {
  const hash = await sha256Hex(signing.request.body);
  return signAwsLines(signing, ['x-amz-content-sha256', hash]);
}

/** The same with these lines beside the request's own. */
export async function signAwsLines(
  { scheme, parts, vars, request, nowMs }: Signing,
  more: readonly string[],
): Promise<MadeCredential> {
  const headers = new Headers();
  const all = [...request.headers, ...more];
  for (let i = 0; i < all.length; i += 2) {
    const name = all[i] as string;
    if (!UNSIGNED.has(name)) headers.append(name, all[i + 1] as string);
  }
  const signer = new AwsV4Signer({
    method: request.method,
    url: request.origin + request.path,
    headers,
    body: request.body as Uint8Array<ArrayBuffer>,
    accessKeyId: fill('{access_key_id}', parts),
    secretAccessKey: fill('{secret_access_key}', parts),
    ...(Object.hasOwn(parts, 'session_token') && { sessionToken: fill('{session_token}', parts) }),
    service: scheme.service,
    region: fill(scheme.region, vars),
    datetime: basicTime(nowMs),
    allHeaders: true,
  });
  const signed = (await signer.sign()).headers;
  const lines = ADDED.map((name) => [name, signed.get(name)] as const).filter(([, value]) => value !== null);
  return signedLines(Object.fromEntries(lines) as Record<string, string>);
}
