/** TC3-HMAC-SHA256, the signature of Tencent Cloud's API 3.0. https://cloud.tencent.com/document/api/1729/101843 */
import type { MadeCredential } from './credential.ts';
import { headerOf, hex, hmac, hmacChain, sha256Hex, splitTarget } from './crypto.ts';
import { fill } from './fill.ts';
import { type Signing, signedLines } from './signing.ts';

const ALGORITHM = 'TC3-HMAC-SHA256';

/** Signs a request. The action, its version and the region are headers of the registry's entry. Without a type the body is JSON, for that must be signed. */
export async function signTencent({ scheme, parts, request, nowMs }: Signing): Promise<MadeCredential> {
  const seconds = Math.floor(nowMs / 1000);
  const day = new Date(seconds * 1000).toISOString().slice(0, 10);
  const { host } = new URL(request.origin);
  const [path, query] = splitTarget(request.path);
  const type = plainType(headerOf(request.headers, 'content-type') ?? 'application/json');
  const lines = [`content-type:${type}`, `host:${host}`];
  const names = ['content-type', 'host'];
  const action = headerOf(request.headers, 'x-tc-action');
  if (action !== null) {
    lines.push(`x-tc-action:${action.toLowerCase()}`);
    names.push('x-tc-action');
  }
  const canonical = [
    request.method,
    path,
    // of a POST the query is left out, whatever it holds
    request.method === 'POST' ? '' : query,
    `${lines.join('\n')}\n`,
    names.join(';'),
    await sha256Hex(request.body),
  ].join('\n');
  const scope = `${day}/${scheme.service}/tc3_request`;
  const text = [ALGORITHM, seconds, scope, await sha256Hex(canonical)].join('\n');
  const first = fill('TC3{secret_key}', parts);
  const derived = await hmacChain(first, [day, scheme.service, 'tc3_request']);
  const signature = hex(await hmac(derived, text));
  const by = fill(`{secret_id}/${scope}`, parts);
  return signedLines({
    authorization: `${ALGORITHM} Credential=${by}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    'content-type': type,
    'x-tc-timestamp': String(seconds),
  });
}

/** The document signs the type in lower case, the SDKs as it stands: sent in lower case both are right. The boundary of a form cannot be written otherwise. */
function plainType(type: string): string {
  return /^multipart\//i.test(type) ? type : type.toLowerCase();
}
