/** Volcengine's HMAC-SHA256 signature, a relative of AWS's. https://www.volcengine.com/docs/6369/67269 */
import { Secret } from 'relayapi-token';
import type { Ingredients, MadeCredential, RequestToSign } from './credential.ts';
import { hex, hmac, lineOf, sha256Hex } from './crypto.ts';
import { fill } from './fill.ts';

const ALGORITHM = 'HMAC-SHA256';

/** Signs a request. */
export async function signVolcengine(
  { scheme, parts, vars }: Ingredients,
  request: RequestToSign,
  { nowMs }: { readonly nowMs: number },
): Promise<MadeCredential> {
  if (scheme.kind !== 'signed') throw new Error('no signature');
  const time = new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const { host } = new URL(request.origin);
  const [path = '/', query = ''] = request.path.split('?', 2);
  const hash = await sha256Hex(request.body);
  const signedNames = 'content-type;host;x-content-sha256;x-date';
  const canonical = [
    request.method,
    path,
    canonicalQuery(query),
    `content-type:${lineOf(request.headers, 'content-type')}\nhost:${host}\nx-content-sha256:${hash}\nx-date:${time}\n`,
    signedNames,
    hash,
  ].join('\n');
  const region = fill(scheme.region, vars);
  const scope = `${day}/${region}/${scheme.service}/request`;
  const text = [ALGORITHM, time, scope, await sha256Hex(canonical)].join('\n');
  let key = await hmac((parts['secret_access_key'] as Secret).reveal(), day);
  for (const step of [region, scheme.service, 'request']) key = await hmac(key, step);
  const signature = hex(await hmac(key, text));
  const id = (parts['access_key_id'] as Secret).reveal();
  const value = `${ALGORITHM} Credential=${id}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
  return {
    headers: [
      ['authorization', new Secret(value)],
      ['x-date', new Secret(time)],
      ['x-content-sha256', new Secret(hash)],
    ],
    query: null,
    secrets: [],
  };
}

/** Pairs in the order of their names, names and values encoded as RFC 3986 has it. */
function canonicalQuery(query: string): string {
  if (query === '') return '';
  const encode = (text: string) =>
    encodeURIComponent(decodeURIComponent(text)).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals === -1
        ? `${encode(pair)}=`
        : `${encode(pair.slice(0, equals))}=${encode(pair.slice(equals + 1))}`;
    })
    .sort()
    .join('&');
}
