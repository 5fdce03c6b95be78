/**
 * Mutated tokens that reach every depth of the opener: text that is broken outside, headers and claims that are edited and then
 * properly sealed, nested texts with a wrong part. Sealing is node:crypto's (generate/crypto.ts), never the package's own.
 */
import {
  b64,
  bytesFor,
  ecdhKek,
  type Pair,
  type Plain,
  pairFor,
  sealJwe,
  signJws,
} from '../generate/crypto.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

/** What tokens are sealed with: the fuzzer holds every key. */
export interface SealingKeys {
  readonly aes: { readonly kid: string; readonly k: Buffer };
  readonly ecc: { readonly kid: string; readonly relay: Pair; readonly signKid: string; readonly sign: Pair };
}

/** A mutated token, and how deep its fault lies. */
export interface MutatedToken {
  readonly kind: string;
  readonly token: string;
}

const WORDS: readonly string[] = [
  ...'{ } [ ] " : , \\ \\u0000 \\u0065 null true false 1e999 -0 1.0 1e2 \ufeff __proto__ constructor'.split(
    ' ',
  ),
  ...'A256KW A128KW dir A256GCM A128GCM rai+jwt JWT ES256 none HS256 zip DEF crit p2c apu apv b64 jwk kid alg enc typ cty epk'.split(
    ' ',
  ),
  ...'iss aud jti iat exp nbf sub cnf upstream limits models paths features origins ips set cap countries replay store_down meta'.split(
    ' ',
  ),
  ...'provider key credential vault vars base calls attempts rate shop relay.example.com openai first/24,48 POST http'.split(
    ' ',
  ),
];
const VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    9007199254740991,
    9007199254740992,
    '',
    'x',
    ' ',
    '\u0000',
    [],
    [1],
    {},
    { a: 1 },
    [[]],
    'nonce',
    'open',
  ],
  ...[
    [10, 60],
    [0, 1],
    ['*'],
    ['gpt-*'],
    ['POST /chat/completions'],
    ['GET /a/../b'],
    ['https://a.example'],
    ['none'],
    ['null'],
  ],
  ...[
    ['10.0.0.0/8'],
    ['2001:db8::/129'],
    'first',
    'first/33,64',
    { provider: 'openai', vault: 'main' },
    [{ provider: 'openai', key: 'k' }],
  ],
  ...[
    { provider: 'openai', key: 'k', base: 'https://a.example/v1' },
    { provider: 'openai', key: 'k', vault: 'v' },
    ['DE'],
    ['de'],
  ],
  ...[
    { jkt: 'A'.repeat(43) },
    { jkt: `${'A'.repeat(42)}B` },
    'a'.repeat(129),
    'a'.repeat(600),
    { calls: 1 },
    { calls: -1 },
    { rate: [1] },
  ],
];
const CLAIMS =
  'iss aud jti iat exp nbf sub cnf upstream limits models paths features origins ips set cap countries replay store_down meta extra'.split(
    ' ',
  );

/** Members edited: one dropped, one more, one with another value, one renamed. */
function editMembers(members: Plain, names: readonly string[], random: Random): Plain {
  const edited: Plain = { ...members };
  for (let left = 1 + random.below(2); left > 0; left--) {
    const there = Object.keys(edited);
    const name = random.oneIn(2) && there.length > 0 ? random.pick(there) : random.pick(names);
    const value = edited[name];
    switch (random.below(5)) {
      case 0:
        delete edited[name];
        break;
      case 1:
        if (typeof value === 'number')
          edited[name] = value + random.pick([-3_100, -60, -1, 1, 60, 61, 1e12, 0.5]);
        else if (typeof value === 'string')
          edited[name] = mutate(value, random, { dictionary: WORDS, other: () => 'shop', maxLength: 700 });
        else edited[name] = random.pick(VALUES);
        break;
      default:
        edited[name] = random.pick(VALUES);
    }
  }
  return edited;
}

/** The text of members, sometimes mutated as text. */
function writeMembers(members: Plain, random: Random): string {
  const text = JSON.stringify(members);
  if (!random.oneIn(3)) return text;
  return mutate(text, random, { dictionary: WORDS, other: () => '{"iss":"shop","exp":1}', maxLength: 2500 });
}

const bytesOf = (text: string, random: Random): Buffer =>
  Buffer.from(text, random.oneIn(6) ? 'latin1' : 'utf8');

/** Makes tokens from good claims, without end. */
export function createTokenMutator(
  keys: SealingKeys,
  claims: Plain,
  random: Random,
): (ecc: boolean) => MutatedToken {
  // a few ephemeral keys for all tokens: agreeing anew each time would cost more than all else
  const ephemerals = Array.from({ length: 4 }, (_, i) => {
    const pair = pairFor(`ephemeral ${i}`);
    return { pair, kek: ecdhKek(pair, keys.ecc.relay) };
  });
  let serial = 0;
  const seal = (header: string | Buffer, plaintext: string | Buffer, kek: Buffer): string =>
    sealJwe({
      label: `mutated ${serial++}`,
      header,
      plaintext,
      kek,
      ...(random.oneIn(60) && { ivLength: random.pick([8, 12, 16]) }),
      ...(random.oneIn(60) && { cekLength: random.pick([16, 32, 40, 64]) }),
      ...(random.oneIn(60) && { tagLength: random.pick([12, 13, 16]) }),
    });
  const aesHeader = { alg: 'A256KW', enc: 'A256GCM', kid: keys.aes.kid, typ: 'rai+jwt' };
  const signedHeader = { alg: 'ES256', kid: keys.ecc.signKid, typ: 'rai+jwt' };
  const last = { text: seal(JSON.stringify(aesHeader), JSON.stringify(claims), keys.aes.k) };

  function outside(token: string): string {
    const other = last.text;
    if (random.oneIn(3)) {
      // parts of two good tokens mixed
      const [mine, theirs] = [token.split('.'), other.split('.')];
      return mine.map((part, i) => (random.oneIn(3) ? (theirs[i] ?? '') : part)).join('.');
    }
    return mutate(token, random, {
      dictionary: ['.', '=', '+', '/', '-', '_', 'AAAA', '..'],
      other: () => other,
      maxLength: 4100,
    });
  }

  function aes(): MutatedToken {
    const kind = random.pick(['good', 'outside', 'header', 'claims', 'claims', 'claims', 'length']);
    const header =
      kind === 'header'
        ? writeMembers(editMembers(aesHeader, ['zip', 'crit', 'cty', 'epk', 'p2c'], random), random)
        : JSON.stringify(aesHeader);
    const edited =
      kind === 'claims' ? writeMembers(editMembers(claims, CLAIMS, random), random) : JSON.stringify(claims);
    const padding = kind === 'length' ? ' '.repeat(random.below(3200)) : '';
    const token = seal(bytesOf(header, random), bytesOf(edited + padding, random), keys.aes.k);
    if (kind !== 'outside') last.text = token;
    return { kind: `aes ${kind}`, token: kind === 'outside' ? outside(token) : token };
  }

  function ecc(): MutatedToken {
    const kind = random.pick([
      'good',
      'outside',
      'header',
      'epk',
      'claims',
      'inner header',
      'inner text',
      'signature',
      'unsigned',
    ]);
    const { pair, kek } = random.pick(ephemerals);
    const epk: Plain = { kty: 'EC', crv: 'P-256', x: pair.x, y: pair.y };
    const outer: Plain = {
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      kid: keys.ecc.kid,
      typ: 'rai+jwt',
      cty: 'JWT',
      epk,
    };
    if (kind === 'epk')
      outer['epk'] = random.oneIn(4)
        ? random.pick(VALUES)
        : editMembers(epk, ['kty', 'crv', 'x', 'y', 'd', 'kid'], random);
    const header =
      kind === 'header'
        ? writeMembers(editMembers(outer, ['zip', 'apu', 'apv', 'crit', 'b64'], random), random)
        : JSON.stringify(outer);
    const inner =
      kind === 'inner header'
        ? writeMembers(editMembers(signedHeader, ['b64', 'crit', 'jwk', 'cty'], random), random)
        : JSON.stringify(signedHeader);
    const edited =
      kind === 'claims' ? writeMembers(editMembers(claims, CLAIMS, random), random) : JSON.stringify(claims);
    let nested = signJws(bytesOf(inner, random), bytesOf(edited, random), keys.ecc.sign, {
      highS: random.oneIn(4),
    });
    if (kind === 'inner text')
      nested = mutate(nested, random, {
        dictionary: ['.', '=', 'AAAA'],
        other: () => last.text,
        maxLength: 3000,
      });
    if (kind === 'signature')
      nested = `${nested.slice(0, nested.lastIndexOf('.'))}.${b64(bytesFor(String(serial), random.pick([63, 64, 64, 65])))}`;
    if (kind === 'unsigned') nested = random.pick([edited, `${b64('{"alg":"none"}')}.${b64(edited)}.`]);
    const token = seal(bytesOf(header, random), nested, kek);
    return { kind: `ecc ${kind}`, token: kind === 'outside' ? outside(token) : token };
  }

  return (nested) => (nested ? ecc() : aes());
}
