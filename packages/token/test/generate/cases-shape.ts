/** Cases of §4 steps 1 to 6: length, shape, encoding, header, key, decryption. */
import { deflateRawSync } from 'node:zlib';
import { b64, bytesFor, ecdhKek, pairFor } from './crypto.ts';
import { aesKeys, ecKeys } from './keyrings.ts';
import {
  aes,
  change,
  ecc,
  flip,
  good,
  goodEcc,
  HEADER,
  invalid,
  type OpenCase,
  opens,
  stray,
} from './make.ts';

const header = (extra: Record<string, unknown>): string =>
  JSON.stringify({ ...JSON.parse(HEADER), ...extra });

/** A valid token of exactly `length` characters: models fill it, whitespace finds the last character. */
function ofLength(length: number): { token: string; claims: string } {
  for (let spaces = 0; spaces < 4; spaces++) {
    for (let fill = 0; fill < 128; fill++) {
      const models = Array.from({ length: 22 }, (_, i) => `m${i}-${'x'.repeat(115)}`);
      models.push('y'.repeat(fill + 1));
      const claims = JSON.stringify(good({ models }));
      const token = aes(`length ${length}`, { claims, header: HEADER + ' '.repeat(spaces) });
      if (token.length === length) return { token, claims };
    }
  }
  throw new Error(`no token of ${length} characters`);
}

function lengths(): OpenCase[] {
  const longest = ofLength(4096);
  const over = ofLength(4097);
  return [
    opens('4.1', 'a token of exactly 4096 characters opens', longest.token, {
      claims_text: longest.claims,
      mint: null,
    }),
    invalid('4.1', 'a token of 4097 characters is refused although it is authentic', over.token),
    invalid('4.1', 'the empty text is refused', ''),
  ];
}

function shapes(): OpenCase[] {
  const t = aes('shape');
  const parts = t.split('.');
  const swap = (at: number, c: string): string => t.slice(0, at) + c + t.slice(at + 1);
  return [
    opens('2', 'a plain aes token opens', t, {
      claims_text: JSON.stringify(good()),
      mint: null,
      kid: 'aes-key-1',
    }),
    invalid('4.2', 'four parts are refused', parts.slice(0, 4).join('.')),
    invalid('4.2', 'six parts are refused', `${t}.AAAA`),
    invalid('4.2', 'an empty part is refused', [parts[0], '', ...parts.slice(2)].join('.')),
    invalid('4.2', 'a leading dot is refused', `.${t}`),
    invalid('4.2', 'a trailing dot is refused', `${t}.`),
    invalid('4.2', 'a line feed at the end is refused', `${t}\n`),
    invalid('4.2', 'a space in front is refused', ` ${t}`),
    invalid('4.2', 'padding is refused', `${t}==`),
    invalid('4.2', 'the plus of ordinary base64 is refused', swap(200, '+')),
    invalid('4.2', 'the slash of ordinary base64 is refused', swap(200, '/')),
    invalid('4.2', 'a letter that only looks like ASCII is refused', swap(200, 'а')),
    invalid('4.2', 'a percent escape is refused', t.replace('.', '%2E')),
    invalid('6', 'the prefix ek_ is no part of a token and is refused by the opener', `ek_${t}`),
    invalid('7', 'a token of version 1 is refused', b64(bytesFor('version 1', 96))),
  ];
}

function encodings(): OpenCase[] {
  const spaced = (n: number): string => HEADER + ' '.repeat(n - HEADER.length);
  const cases = [
    invalid(
      '4.3',
      'stray bits at the end of the header are refused',
      aes('stray0', { header: `${HEADER} `, after: change(0, stray) }),
    ),
    invalid(
      '4.3',
      'stray bits at the end of the encrypted key are refused',
      aes('stray1', { after: change(1, stray) }),
    ),
    invalid(
      '4.3',
      'stray bits at the end of the tag are refused',
      aes('stray4', { after: change(4, stray) }),
    ),
    invalid(
      '4.3',
      'stray bits at the end of the ciphertext are refused',
      aes('stray3', {
        claims: `${JSON.stringify(good())}${' '.repeat(3 - (JSON.stringify(good()).length % 3) + 1)}`,
        after: change(3, stray),
      }),
    ),
    invalid(
      '4.3',
      'a part with a lone last character is refused',
      aes('lone', { after: change(3, (p) => `${p}${'A'.repeat((5 - (p.length % 4)) % 4)}`) }),
    ),
    opens('4.3', 'a header of exactly 700 characters opens', aes('h700', { header: spaced(525) }), {
      claims_text: JSON.stringify(good()),
    }),
    invalid('4.3', 'a header of 702 characters is refused', aes('h702', { header: spaced(526) })),
    invalid('4.3', 'an initialisation vector of 16 bytes is refused', aes('iv16', { ivLength: 16 })),
    invalid('4.3', 'an initialisation vector of 8 bytes is refused', aes('iv8', { ivLength: 8 })),
    invalid('4.3', 'a tag of 12 bytes is refused', aes('tag12', { tagLength: 12 })),
    invalid('4.3', 'a wrapped key of 16 bytes is refused', aes('cek16', { cekLength: 16 })),
    invalid('4.3', 'a wrapped key of 48 bytes is refused', aes('cek48', { cekLength: 48 })),
    invalid(
      '4.3',
      'an ecc token with stray bits at the end of the encrypted key is refused',
      ecc('eccstray', { after: change(1, stray) }),
    ),
    invalid(
      '4.3',
      'an ecc header of more than 700 characters is refused',
      ecc('ecch', {
        outerText: (epk) =>
          JSON.stringify({
            alg: 'ECDH-ES+A256KW',
            enc: 'A256GCM',
            kid: 'ecc-relay',
            typ: 'rai+jwt',
            cty: 'JWT',
            epk,
          }) + ' '.repeat(400),
      }),
    ),
  ];
  return cases;
}

function headerTexts(): OpenCase[] {
  const bad = (name: string, text: string | Buffer): OpenCase =>
    invalid('4.4', name, aes(name, { header: text }));
  const added: [string, unknown][] = [
    ['zip', 'DEF'],
    ['crit', ['exp']],
    ['cty', 'JWT'],
    ['jwk', { kty: 'oct', k: 'AAAA' }],
    ['jku', 'https://evil.example/keys'],
    ['x5u', 'https://evil.example/cert'],
    ['x5c', ['AAAA']],
    ['x5t', 'AAAA'],
    ['iss', 'shop'],
    ['exp', 1],
    ['iv', 'AAAAAAAAAAAAAAAA'],
    ['tag', 'AAAAAAAAAAAAAAAAAAAAAA'],
    ['p2c', 2_147_483_647],
    ['epk', { kty: 'EC', crv: 'P-256', x: ecKeys['ecc-relay'].x, y: ecKeys['ecc-relay'].y }],
  ];
  return [
    opens(
      '4.4',
      'header members in another order open',
      aes('order', { header: '{"typ":"rai+jwt","kid":"aes-key-1","enc":"A256GCM","alg":"A256KW"}' }),
      { claims_text: JSON.stringify(good()) },
    ),
    opens(
      '4.4',
      'whitespace and escapes in the header open',
      aes('escapes', {
        header: ' {\t"alg" : "A256KW",\n"enc":"A256\\u0047CM","k\\u0069d":"aes-key-1","typ":"rai+jwt"}\r\n',
      }),
      { claims_text: JSON.stringify(good()) },
    ),
    bad('a duplicate header member is refused', HEADER.replace('{', '{"alg":"A256KW",')),
    bad(
      'a duplicate header member under another spelling is refused',
      HEADER.replace('{', '{"\\u0061lg":"dir",'),
    ),
    bad('a header with a byte order mark is refused', `\uFEFF${HEADER}`),
    bad(
      'a header that is not UTF-8 is refused',
      Buffer.concat([Buffer.from(HEADER.slice(0, -1)), Buffer.from(',"x":"\xff"}', 'latin1')]),
    ),
    bad('a header in UTF-16 is refused', Buffer.from(HEADER, 'utf16le')),
    bad('a header with __proto__ is refused', HEADER.replace('{', '{"__proto__":{},')),
    bad('a header with constructor is refused', HEADER.replace('{', '{"constructor":{},')),
    bad('a header with prototype is refused', HEADER.replace('{', '{"prototype":{},')),
    bad('a trailing comma in the header is refused', HEADER.replace('}', ',}')),
    bad('a comment in the header is refused', HEADER.replace('{', '{/**/')),
    bad('single quotes in the header are refused', HEADER.replaceAll('"', "'")),
    bad('text after the header is refused', `${HEADER}{}`),
    bad('a header that is a list is refused', `[${HEADER}]`),
    bad('a header that is a string is refused', JSON.stringify(HEADER)),
    bad('a header that is null is refused', 'null'),
    bad('a deeply nested header is refused', HEADER.replace('{', `{"x":${'['.repeat(40)}${']'.repeat(40)},`)),
    bad('a header without alg is refused', '{"enc":"A256GCM","kid":"aes-key-1","typ":"rai+jwt"}'),
    bad('a header without enc is refused', '{"alg":"A256KW","kid":"aes-key-1","typ":"rai+jwt"}'),
    bad('a header without kid is refused', '{"alg":"A256KW","enc":"A256GCM","typ":"rai+jwt"}'),
    bad('a header without typ is refused', '{"alg":"A256KW","enc":"A256GCM","kid":"aes-key-1"}'),
    bad('typ JWT is refused', header({ typ: 'JWT' })),
    bad('typ in capitals is refused', header({ typ: 'RAI+JWT' })),
    bad('typ with a media type prefix is refused', header({ typ: 'application/rai+jwt' })),
    bad('a kid that is a number is refused', header({ kid: 1 })),
    bad('a kid that is a list is refused', header({ kid: ['aes-key-1'] })),
    ...added.map(([name, value]) => bad(`an aes header with ${name} is refused`, header({ [name]: value }))),
  ];
}

function keysAndAlgs(): OpenCase[] {
  const bad = (name: string, change: Record<string, unknown>): OpenCase =>
    invalid('4.5', name, aes(name, { header: header(change) }));
  const eccHeaderOnAes = JSON.stringify({
    alg: 'ECDH-ES+A256KW',
    enc: 'A256GCM',
    kid: 'aes-key-1',
    typ: 'rai+jwt',
    cty: 'JWT',
    epk: { kty: 'EC', crv: 'P-256', x: ecKeys['ecc-other'].x, y: ecKeys['ecc-other'].y },
  });
  const epk = pairFor('direct');
  return [
    bad('an unknown kid is refused', { kid: 'nobody00' }),
    bad('the kid __proto__ is refused', { kid: '__proto__' }),
    bad('the kid constructor is refused', { kid: 'constructor' }),
    bad('the kid toString is refused', { kid: 'toString' }),
    bad('the kid hasOwnProperty is refused', { kid: 'hasOwnProperty' }),
    bad('the empty kid is refused', { kid: '' }),
    bad('a kid with a NUL behind it is refused', { kid: 'aes-key-1\u0000' }),
    bad('a kid in other case is refused', { kid: 'AES-KEY-1' }),
    bad('the kid of another loaded key is refused, and no other key is tried', { kid: 'aes-plain' }),
    bad('an aes header on the kid of an ecc key is refused', { kid: 'ecc-relay' }),
    bad('an aes header on the kid of a signing key is refused', { kid: 'sig-shop1' }),
    invalid(
      '4.5',
      'an ecc header on the kid of an aes key is refused',
      aes('eccOnAes', { header: eccHeaderOnAes }),
    ),
    bad('alg dir is refused', { alg: 'dir' }),
    bad('alg none is refused', { alg: 'none' }),
    bad('alg A128KW is refused', { alg: 'A128KW' }),
    bad('alg A256GCMKW is refused', { alg: 'A256GCMKW' }),
    bad('alg RSA-OAEP-256 is refused', { alg: 'RSA-OAEP-256' }),
    bad('alg ECDH-ES+A256KW without epk is refused', { alg: 'ECDH-ES+A256KW' }),
    bad('alg in lower case is refused', { alg: 'a256kw' }),
    invalid(
      '4.5',
      'PBES2 that asks for 2^31 rounds is refused',
      aes('pbes2', { header: header({ alg: 'PBES2-HS512+A256KW', p2s: 'AAAAAAAAAAA', p2c: 2_147_483_648 }) }),
    ),
    invalid(
      '4.5',
      'enc A128GCM is refused',
      aes('a128gcm', { header: header({ enc: 'A128GCM' }), cekLength: 16 }),
    ),
    bad('enc A256CBC-HS512 is refused', { enc: 'A256CBC-HS512' }),
    bad('enc in lower case is refused', { enc: 'a256gcm' }),
    invalid(
      '4.5',
      'alg ECDH-ES without key wrap is refused',
      aes('ecdhes', {
        header: JSON.stringify({
          alg: 'ECDH-ES',
          enc: 'A256GCM',
          kid: 'ecc-relay',
          typ: 'rai+jwt',
          cty: 'JWT',
          epk: { kty: 'EC', crv: 'P-256', x: epk.x, y: epk.y },
        }),
        kek: ecdhKek(epk, ecKeys['ecc-relay'], 'A256GCM'),
      }),
    ),
  ];
}

function decryption(): OpenCase[] {
  const bad = (name: string, index: number, how: (p: string) => string): OpenCase =>
    invalid('4.6', name, aes(name, { after: change(index, how) }));
  const t = aes('two');
  return [
    bad('a changed encrypted key is refused', 1, (p) => flip(p, 20)),
    bad('a changed initialisation vector is refused', 2, (p) => flip(p)),
    bad('a changed first byte of ciphertext is refused', 3, (p) => flip(p)),
    bad('a changed last byte of ciphertext is refused', 3, (p) =>
      flip(p, Buffer.from(p, 'base64url').length - 1),
    ),
    bad('a changed tag is refused', 4, (p) => flip(p, 15)),
    bad('a shortened ciphertext is refused', 3, (p) => b64(Buffer.from(p, 'base64url').subarray(0, -3))),
    bad('a lengthened ciphertext is refused', 3, (p) =>
      b64(Buffer.concat([Buffer.from(p, 'base64url'), Buffer.alloc(3)])),
    ),
    bad('a header of the same meaning in another spelling is refused', 0, () => b64(`${HEADER} `)),
    invalid(
      '4.6',
      'parts of two tokens mixed are refused',
      [...t.split('.').slice(0, 3), ...aes('three').split('.').slice(3)].join('.'),
    ),
    invalid(
      '4.6',
      'a token under another key but this kid is refused',
      aes('foreign', { kek: aesKeys['aes-plain'] }),
    ),
    invalid(
      '4.6',
      'compressed claims are never inflated',
      aes('deflate', { plaintext: deflateRawSync(JSON.stringify(good())) }),
    ),
    invalid(
      '4.6',
      'compressed claims with zip in the header are never inflated',
      aes('deflatezip', {
        header: header({ zip: 'DEF' }),
        plaintext: deflateRawSync(JSON.stringify(good())),
      }),
    ),
    invalid(
      '4.6',
      'a changed ephemeral key is refused',
      ecc('epkflip', {
        after: change(0, (p) => {
          const h = JSON.parse(Buffer.from(p, 'base64url').toString());
          const other = pairFor('another ephemeral');
          return b64(JSON.stringify({ ...h, epk: { ...h.epk, x: other.x, y: other.y } }));
        }),
      }),
    ),
    invalid(
      '4.6',
      'an ecc token for another relay key is refused',
      ecc('wrongrelay', { claims: goodEcc(), relay: ecKeys['ecc-other'] }),
    ),
  ];
}

/** All of them, in the order of the spec. */
export function shapeCases(): OpenCase[] {
  return [...lengths(), ...shapes(), ...encodings(), ...headerTexts(), ...keysAndAlgs(), ...decryption()];
}
