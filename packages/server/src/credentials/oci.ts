/**
 * Oracle Cloud's request signature: draft-cavage-http-signatures with RSA-SHA256 (OCI documentation, "Request Signatures").
 * https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
 */
import { Secret } from 'relayapi-token';
import type { Ingredients, MadeCredential, RequestToSign } from './credential.ts';
import { base64, lineOf, readPkcs8, sha256Bytes, signRsa } from './crypto.ts';

const REVEALED = ['tenancy', 'user', 'fingerprint'] as const;

/** Signs a request: date, target and host; with a body its length, type and digest too. */
export async function signOracle(
  { parts }: Ingredients,
  request: RequestToSign,
  { nowMs }: { readonly nowMs: number },
): Promise<MadeCredential> {
  const date = new Date(nowMs).toUTCString();
  const { host } = new URL(request.origin);
  const lines: [string, string][] = [
    ['date', date],
    ['(request-target)', `${request.method.toLowerCase()} ${request.path}`],
    ['host', host],
  ];
  const digest = base64(await sha256Bytes(request.body));
  const hasBody = request.method === 'POST' || request.method === 'PUT' || request.method === 'PATCH';
  if (hasBody) {
    lines.push(['content-length', String(request.body.length)]);
    lines.push(['content-type', lineOf(request.headers, 'content-type')]);
    lines.push(['x-content-sha256', digest]);
  }
  const text = lines.map(([name, value]) => `${name}: ${value}`).join('\n');
  const key = readPkcs8((parts['private_key'] as Secret).reveal());
  const signature = base64(await signRsa(key, text));
  const keyId = REVEALED.map((name) => (parts[name] as Secret).reveal()).join('/');
  const names = lines.map(([name]) => name).join(' ');
  const value = `Signature version="1",keyId="${keyId}",algorithm="rsa-sha256",headers="${names}",signature="${signature}"`;
  return {
    headers: [
      ['authorization', new Secret(value)],
      ['date', new Secret(date)],
      ...(hasBody ? ([['x-content-sha256', new Secret(digest)]] as const) : []),
    ],
    query: null,
    secrets: [],
  };
}
