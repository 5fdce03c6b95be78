/** AWS Signature Version 4 (Authenticating Requests, AWS General Reference), by aws4fetch. Every header that goes up and has a meaning is signed, and the body's SHA-256. */
import { AwsV4Signer } from 'aws4fetch';
import { Secret } from 'relayapi-token';
import type { Ingredients, MadeCredential, RequestToSign } from './credential.ts';
import { sha256Hex } from './crypto.ts';
import { fill } from './fill.ts';

/** Headers that an intermediary or the transport may write anew: a signature over them would break. */
const UNSIGNED = new Set([
  'accept',
  'accept-encoding',
  'user-agent',
  'cdn-loop',
  'content-length',
  'connection',
]);

/** What is signed beside the request. */
export interface SigningTime {
  readonly nowMs: number;
}

/** Signs a request. */
export async function signAws(
  { scheme, parts, vars }: Ingredients,
  request: RequestToSign,
  { nowMs }: SigningTime,
): Promise<MadeCredential> {
  if (scheme.kind !== 'signed') throw new Error('no signature');
  const hash = await sha256Hex(request.body);
  const headers = new Headers({ 'x-amz-content-sha256': hash });
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = request.headers[i] as string;
    if (!UNSIGNED.has(name)) headers.append(name, request.headers[i + 1] as string);
  }
  const session = parts['session_token'];
  const signer = new AwsV4Signer({
    method: request.method,
    url: request.origin + request.path,
    headers,
    body: request.body as Uint8Array<ArrayBuffer>,
    accessKeyId: (parts['access_key_id'] as Secret).reveal(),
    secretAccessKey: (parts['secret_access_key'] as Secret).reveal(),
    ...(session && { sessionToken: session.reveal() }),
    service: scheme.service,
    region: fill(scheme.region, vars),
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    allHeaders: true,
  });
  const signed = (await signer.sign()).headers;
  const line = (name: string): [string, Secret][] => {
    const value = signed.get(name);
    return value === null ? [] : [[name, new Secret(value)]];
  };
  return {
    headers: [
      ...line('authorization'),
      ...line('x-amz-date'),
      ...line('x-amz-security-token'),
      ...line('x-amz-content-sha256'),
    ],
    query: null,
    secrets: [],
  };
}
