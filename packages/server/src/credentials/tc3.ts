/** TC3-HMAC-SHA256, the signature of Tencent Cloud's API 3.0. https://cloud.tencent.com/document/api/1729/101843 */
import { Secret } from 'relayapi-token';
import type { Ingredients, MadeCredential, RequestToSign } from './credential.ts';
import { hex, hmac, lineOf, sha256Hex } from './crypto.ts';

const ALGORITHM = 'TC3-HMAC-SHA256';

/** Signs a request. The action and its version are headers of the registry's entry; region too, where there is one. */
export async function signTencent(
  { scheme, parts }: Ingredients,
  request: RequestToSign,
  { nowMs }: { readonly nowMs: number },
): Promise<MadeCredential> {
  if (scheme.kind !== 'signed') throw new Error('no signature');
  const seconds = Math.floor(nowMs / 1000);
  const day = new Date(seconds * 1000).toISOString().slice(0, 10);
  const { host } = new URL(request.origin);
  const [path = '/', query = ''] = request.path.split('?', 2);
  const type = lineOf(request.headers, 'content-type');
  const action = lineOf(request.headers, 'x-tc-action').toLowerCase();
  const signedNames = 'content-type;host;x-tc-action';
  const canonical = [
    request.method,
    path,
    query,
    `content-type:${type}\nhost:${host}\nx-tc-action:${action}\n`,
    signedNames,
    await sha256Hex(request.body),
  ].join('\n');
  const scope = `${day}/${scheme.service}/tc3_request`;
  const text = [ALGORITHM, seconds, scope, await sha256Hex(canonical)].join('\n');
  const secretKey = (parts['secret_key'] as Secret).reveal();
  const dayKey = await hmac(`TC3${secretKey}`, day);
  const signingKey = await hmac(await hmac(dayKey, scheme.service), 'tc3_request');
  const signature = hex(await hmac(signingKey, text));
  const id = (parts['secret_id'] as Secret).reveal();
  const value = `${ALGORITHM} Credential=${id}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
  return {
    headers: [
      ['authorization', new Secret(value)],
      ['x-tc-timestamp', new Secret(String(seconds))],
    ],
    query: null,
    secrets: [],
  };
}
