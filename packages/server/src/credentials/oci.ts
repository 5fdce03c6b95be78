/**
 * Oracle Cloud's request signature: draft-cavage-http-signatures with RSA-SHA256 (OCI documentation, "Request Signatures").
 * https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
 */
import type { MadeCredential } from './credential.ts';
import { base64, headerOf, importRsa, sha256Bytes, signRsa } from './crypto.ts';
import { fill } from './fill.ts';
import { partOf, type Signing, signedLines } from './signing.ts';

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Signs a request: date, target and host, and where the method has a body its length, type and digest. The date goes as `x-date`, which
 * no transport writes anew. Without a type the body is JSON, for that must be signed.
 */
export async function signOracle({ parts, request, nowMs }: Signing): Promise<MadeCredential | null> {
  const by = await importRsa(partOf(parts, 'private_key'));
  if (by === null) return null;
  const date = new Date(nowMs).toUTCString();
  const { host } = new URL(request.origin);
  const target = `${request.method.toLowerCase()} ${request.path}`;
  const lines: Record<string, string> = { 'x-date': date, '(request-target)': target, host };
  const added: Record<string, string> = { 'x-date': date };
  if (WITH_BODY.has(request.method)) {
    lines['content-length'] = String(request.body.length);
    added['content-type'] = headerOf(request.headers, 'content-type') ?? 'application/json';
    added['x-content-sha256'] = base64(await sha256Bytes(request.body));
    Object.assign(lines, added);
  }
  const text = Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
  const signature = base64(await signRsa(by, text));
  const keyId = fill('{tenancy}/{user}/{fingerprint}', parts);
  const names = Object.keys(lines).join(' ');
  const authorization = `Signature version="1",keyId="${keyId}",algorithm="rsa-sha256",headers="${names}",signature="${signature}"`;
  return signedLines({ authorization, ...added });
}
