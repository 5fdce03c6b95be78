/** The raw request target and the path and query behind the token, against WHATWG's URL and a decoder that never stops. */
import { isDenial } from '../../../../src/errors.ts';
import { isRelayTarget, readTarget } from '../../../../src/ingress/target.ts';
import { cleanPath } from '../../../../src/routing/path.ts';
import { filterQuery } from '../../../../src/routing/query.ts';
import { readRoots } from '../../../../src/routing/roots.ts';
import { type FuzzTarget, hold } from '../target.ts';

const BASE = '/relayapi/';
const ALLOWED = ['alt', 'api-version', 'model', 'key'];
const ROOTS = ['/api/v1', '/v1', '/v1beta', ''];
const TOKEN = 'eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiazEifQ.AAAA.BBBB.CCCC.DDDD';

/** Decoded until nothing changes, as the laxest chain of servers would; what does not decode stays. */
function decodeFully(text: string): string {
  for (let before = text, rounds = 0; ; rounds++) {
    const after = before.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString('latin1'),
    );
    if (after === before || rounds === 12) return after;
    before = after;
  }
}

function checkPath(rest: string): string {
  const clean = cleanPath(rest);
  if (clean === null) return 'bad path';
  const { path } = clean;
  hold(path === rest || `/${path}` === rest, 'a path that is not the one that came');
  hold(path === '' || (path.startsWith('/') && !path.startsWith('//')), 'one slash first');
  // it writes a few letters as escapes, and changes nothing else
  const theirs = decodeFully(new URL(`http://host${path}`).pathname);
  hold(theirs === (decodeFully(path) || '/'), 'WHATWG reads another path');
  hold(new URL(path || '/', 'http://host').host === 'host', 'another host');
  const decoded = decodeFully(path);
  hold(!decoded.split('/').some((segment) => segment === '.' || segment === '..'), 'a dot segment');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  hold(!/[\\?#;\u0000-\u001f\u007f]/.test(decoded) && !decoded.slice(1).includes('//'), 'a separator');
  for (const { root, relative } of readRoots(path, ROOTS)) {
    hold(ROOTS.includes(root), 'a root of nobody');
    hold(
      path.endsWith(relative) && (relative === '' || relative.startsWith('/')),
      'a relative path that is not the end of the path',
    );
    hold(!(root + relative).includes('//'), 'two slashes');
  }
  return clean.encodedSlash ? 'path with an encoded slash' : 'path';
}

function checkQuery(query: string | null): string {
  const filtered = filterQuery(query, ALLOWED);
  if (filtered === null) return 'bad query';
  const theirs = [...new URLSearchParams(filtered.sent)];
  hold(theirs.length === filtered.pairs.length, 'pairs that others count differently');
  for (const [i, [name, value]] of filtered.pairs.entries()) {
    hold(ALLOWED.includes(name) && name !== 'key', `the name ${name}`);
    hold(theirs[i]?.[0] === name.replaceAll('+', ' '), 'a name that others read differently');
    hold(
      theirs[i]?.[1] === value.replaceAll('+', ' ') || /%2b/i.test(filtered.sent),
      'a value that others read differently',
    );
  }
  hold(new Set(theirs.map(([name]) => name)).size === theirs.length, 'a name twice');
  hold(
    filtered.sent === '' || filtered.sent.split('&').every((pair) => (query ?? '').split('&').includes(pair)),
    'a pair that did not come',
  );
  return `${filtered.pairs.length} pairs`;
}

function check(input: string): string {
  const target = readTarget(input, BASE);
  const { place, rest, query, denial, tokenDenial } = target;
  const token = target.token?.reveal() ?? null;
  hold(isRelayTarget(input, BASE) || place === null, 'a target of the shell');
  if (isDenial(denial)) return denial.denied + String(denial['reason'] ?? '');
  hold(
    input.length <= 8192 && /^\/[\x21-\x7e]*$/.test(input) && !input.includes('#'),
    'a target that is no origin form',
  );
  if (place === null) return tokenDenial?.denied ?? 'nothing';
  const suffix = query === null ? '' : `?${query}`;
  if (token !== null) hold(`${BASE}${token}${rest}${suffix}` === input, 'parts that do not make the whole');
  else if (place === 'header')
    hold(input === `${BASE}-${rest}${suffix}` || input === rest + suffix, 'parts of a header target');
  hold(token === null || !/[/?%]/.test(token), 'a token with a separator');
  return `${place} ${tokenDenial === null ? '' : 'no token '}${checkPath(rest)}, ${checkQuery(query)}`;
}

export const targetTarget: FuzzTarget = {
  name: 'target',
  sources: /server\/src\/(?:ingress\/target|routing\/(?:path|query|roots))\.ts$/,
  seeds: [
    `${BASE}${TOKEN}/v1/chat/completions?alt=sse&api-version=1`,
    `${BASE}-/v1/v1/models/a%2Fb`,
    '/v1beta/models/x:generateContent?key=y',
    `${BASE}${TOKEN}//chat`,
    BASE,
    '/',
    'http://a/b',
    `${BASE}${TOKEN}`,
    `${BASE}x/../y`,
  ],
  dictionary: [
    ...'/ // . .. /./ /../ %2e %2E%2e %252e %2f %2F %5c \\ ; %3b # %23 ? %3f & = && %26 %3d + %2B %20 %00 %0a %7f %c0%ae %c3%a9 %zz % %2 :'.split(
      ' ',
    ),
    ...`${BASE} ${BASE}- /v1 /v1beta /api/v1 alt= model= api-version= key= a%6ct= access_token= ${TOKEN} . @ * [ ] ~ \xff`.split(
      ' ',
    ),
  ],
  maxLength: 9000,
  check,
};
