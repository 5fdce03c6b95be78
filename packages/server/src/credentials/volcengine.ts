/** Volcengine's HMAC-SHA256 signature, a relative of AWS's. https://www.volcengine.com/docs/6369/67269 */
import type { MadeCredential } from './credential.ts';
import { headerOf, hex, hmac, hmacChain, sha256Hex, splitTarget } from './crypto.ts';
import { fill } from './fill.ts';
import { basicTime, type Signing, signedLines } from './signing.ts';

const ALGORITHM = 'HMAC-SHA256';

/** Signs a request. */
export async function signVolcengine(signing: Signing): Promise<MadeCredential> {
  const { scheme, parts, vars, request, nowMs } = signing;
  const time = basicTime(nowMs);
  const day = time.slice(0, 8);
  const { host } = new URL(request.origin);
  const [path, query] = splitTarget(request.path);
  const hash = await sha256Hex(request.body);
  const type = headerOf(request.headers, 'content-type');
  const lines: [string, string][] = [
    ...(type === null ? [] : [['content-type', type] as [string, string]]),
    ['host', host],
    ['x-content-sha256', hash],
    ['x-date', time],
  ];
  const names = lines.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    path,
    canonicalQuery(query),
    lines.map(([name, value]) => `${name}:${value}\n`).join(''),
    names,
    hash,
  ].join('\n');
  const region = fill(scheme.region, vars);
  const scope = `${day}/${region}/${scheme.service}/request`;
  const text = [ALGORITHM, time, scope, await sha256Hex(canonical)].join('\n');
  const first = fill('{secret_access_key}', parts);
  const derived = await hmacChain(first, [day, region, scheme.service, 'request']);
  const signature = hex(await hmac(derived, text));
  const by = fill(`{access_key_id}/${scope}`, parts);
  return signedLines({
    authorization: `${ALGORITHM} Credential=${by}, SignedHeaders=${names}, Signature=${signature}`,
    'x-date': time,
    'x-content-sha256': hash,
  });
}

/** Pairs in the order of their names, names and values encoded as RFC 3986 has it. No name comes twice: routing refuses that. */
function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [encode(name), encode(value)] as const;
  });
  return pairs
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function encode(text: string): string {
  return encodeURIComponent(decodeURIComponent(text)).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
