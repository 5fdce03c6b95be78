/** Cases of §3 and §4 step 7: the outer header of method ecc, the ephemeral key, the signature inside. */
import { createHmac } from 'node:crypto';
import { b64, type Plain, pairFor, signEs256, signJws } from './crypto.ts';
import { ecKeys, NOW } from './keyrings.ts';
import { aes, ecc, goodEcc, INNER, invalid, type OpenCase, opens, stray } from './make.ts';

const claimsText = JSON.stringify(goodEcc());
const inner = (extra: Plain): string => JSON.stringify({ ...JSON.parse(INNER), ...extra });

function outerHeaders(): OpenCase[] {
  const bad = (name: string, outer: Plain): OpenCase => invalid('3', name, ecc(name, { outer }));
  const epkWith = (name: string, how: (epk: Plain) => unknown): OpenCase =>
    invalid(
      '3',
      name,
      ecc(name, {
        outerText: (epk) =>
          JSON.stringify({
            alg: 'ECDH-ES+A256KW',
            enc: 'A256GCM',
            kid: 'ecc-relay',
            typ: 'rai+jwt',
            cty: 'JWT',
            epk: how(epk),
          }),
      }),
    );
  return [
    opens('3', 'a plain ecc token opens', ecc('plain'), {
      claims_text: claimsText,
      mint: null,
      kid: 'ecc-relay',
      signer_kid: 'sig-shop1',
    }),
    opens(
      '3',
      'the second issuer of the file opens under its own name',
      ecc('second', {
        claims: goodEcc({ iss: 'other-ecc' }),
        innerHeader: inner({ kid: 'sig-other' }),
        signer: ecKeys['sig-other'],
      }),
      { claims_text: JSON.stringify(goodEcc({ iss: 'other-ecc' })), signer_kid: 'sig-other' },
    ),
    bad('an ecc header without cty is refused', { cty: undefined }),
    bad('cty in lower case is refused', { cty: 'jwt' }),
    bad('an ecc header without typ is refused', { typ: undefined }),
    bad('an ecc header of another typ is refused', { typ: 'JWT' }),
    bad('an ecc header with an empty apu is refused', { apu: '' }),
    invalid(
      '3',
      'an ecc header with apu is refused although it was used in the key derivation',
      ecc('apu', { outer: { apu: b64('Alice') }, apu: Buffer.from('Alice') }),
    ),
    bad('an ecc header with apv is refused', { apv: b64('Bob') }),
    bad('an ecc header with zip is refused', { zip: 'DEF' }),
    bad('an ecc header with crit is refused', { crit: ['epk'] }),
    bad('an ecc header with alg A256KW is refused', { alg: 'A256KW' }),
    epkWith('an epk with d is refused', (epk) => ({ ...epk, d: pairFor('epk an epk with d is refused').d })),
    epkWith('an epk with a kid is refused', (epk) => ({ ...epk, kid: 'x' })),
    epkWith('an epk without y is refused', (epk) => ({ ...epk, y: undefined })),
    epkWith('an epk of kty OKP is refused', (epk) => ({ ...epk, kty: 'OKP' })),
    epkWith('an epk of curve P-384 is refused', (epk) => ({ ...epk, crv: 'P-384' })),
    epkWith('an epk that is a string is refused', (epk) => JSON.stringify(epk)),
    epkWith('an epk whose x is not canonical is refused', (epk) => ({ ...epk, x: stray(epk.x as string) })),
    epkWith('an epk whose x is padded to 33 bytes is refused', (epk) => ({
      ...epk,
      x: b64(Buffer.concat([Buffer.alloc(1), Buffer.from(epk.x as string, 'base64url')])),
    })),
    epkWith('an epk off the curve is refused', (epk) => ({ ...epk, y: epk.x })),
    epkWith('an epk of zeros is refused', (epk) => ({
      ...epk,
      x: b64(Buffer.alloc(32)),
      y: b64(Buffer.alloc(32)),
    })),
    epkWith('an epk above the field prime is refused', (epk) => ({ ...epk, x: b64(Buffer.alloc(32, 255)) })),
  ];
}

function signatures(): OpenCase[] {
  const bad = (name: string, o: Parameters<typeof ecc>[1]): OpenCase => invalid('4.7', name, ecc(name, o));
  const replaceSignature = (s: Buffer) => (jws: string) =>
    `${jws.split('.').slice(0, 2).join('.')}.${b64(s)}`;
  const publicKey = Buffer.concat([
    Buffer.from([4]),
    Buffer.from(ecKeys['sig-shop1'].x, 'base64url'),
    Buffer.from(ecKeys['sig-shop1'].y, 'base64url'),
  ]);
  const hs256 = (): string => {
    const input = `${b64(inner({ alg: 'HS256' }))}.${b64(claimsText)}`;
    return `${input}.${b64(createHmac('sha256', publicKey).update(input).digest())}`;
  };
  const der = (): Buffer => {
    const raw = signEs256(`${b64(INNER)}.${b64(claimsText)}`, ecKeys['sig-shop1']);
    const int = (b: Buffer): Buffer =>
      Buffer.concat([
        Buffer.from([2, b.length + ((b[0] as number) >> 7)]),
        Buffer.alloc((b[0] as number) >> 7),
        b,
      ]);
    const body = Buffer.concat([int(raw.subarray(0, 32)), int(raw.subarray(32))]);
    return Buffer.concat([Buffer.from([0x30, body.length]), body]);
  };
  return [
    opens(
      '4.7',
      'a signature with a high s opens (JOSE knows no low-s rule)',
      ecc('highs', { highS: true }),
      { claims_text: claimsText },
    ),
    bad('unsigned claims are refused', { nested: claimsText }),
    bad('inner alg none is refused', { nested: `${b64('{"alg":"none"}')}.${b64(claimsText)}.` }),
    bad('inner alg none with kid and typ is refused', {
      nested: `${b64(inner({ alg: 'none' }))}.${b64(claimsText)}.AAAA`,
    }),
    bad('HS256 with the public key as its secret is refused', { nested: hs256() }),
    bad('inner alg ES384 is refused', { innerHeader: inner({ alg: 'ES384' }) }),
    bad('an inner header without typ is refused', { innerHeader: '{"alg":"ES256","kid":"sig-shop1"}' }),
    bad('inner typ JWT is refused', { innerHeader: inner({ typ: 'JWT' }) }),
    bad('an inner header without kid is refused', { innerHeader: '{"alg":"ES256","typ":"rai+jwt"}' }),
    bad('an inner header with cty is refused', { innerHeader: inner({ cty: 'JWT' }) }),
    bad('an inner header with jwk is refused', {
      innerHeader: inner({
        jwk: { kty: 'EC', crv: 'P-256', x: ecKeys['sig-other'].x, y: ecKeys['sig-other'].y },
      }),
    }),
    bad('an inner header with crit and b64 is refused', {
      innerHeader: inner({ crit: ['b64'], b64: false }),
    }),
    bad('a duplicate inner header member is refused', {
      innerHeader: INNER.replace('{', '{"kid":"sig-other",'),
    }),
    bad('an inner header of more than 700 characters is refused', { innerHeader: INNER + ' '.repeat(500) }),
    bad('an unknown inner kid is refused', { innerHeader: inner({ kid: 'nobody00' }) }),
    bad('the inner kid __proto__ is refused', { innerHeader: inner({ kid: '__proto__' }) }),
    bad('the inner kid of an encryption key is refused', { innerHeader: inner({ kid: 'ecc-relay' }) }),
    bad('the inner kid of an aes key is refused', { innerHeader: inner({ kid: 'aes-key-1' }) }),
    bad('a signature of another issuer under this kid is refused', { signer: ecKeys['sig-other'] }),
    bad('a signer of another file is refused', {
      innerHeader: inner({ kid: 'sig-file2' }),
      signer: ecKeys['sig-file2'],
      claims: goodEcc({ iss: 'file2' }),
    }),
    bad("another issuer cannot mint under this one's name", {
      innerHeader: inner({ kid: 'sig-other' }),
      signer: ecKeys['sig-other'],
    }),
    bad('a signature of zeros is refused', { nested: replaceSignature(Buffer.alloc(64)) }),
    bad('a signature in DER is refused', { nested: replaceSignature(der()) }),
    bad('a signature of 63 bytes is refused', {
      nested: (jws) =>
        replaceSignature(Buffer.from(jws.split('.')[2] as string, 'base64url').subarray(0, 63))(jws),
    }),
    bad('a signature with stray bits is refused', {
      nested: (jws) => `${jws.split('.').slice(0, 2).join('.')}.${stray(jws.split('.')[2] as string)}`,
    }),
    bad('a nested text of two parts is refused', { nested: (jws) => jws.split('.').slice(0, 2).join('.') }),
    bad('a nested text of four parts is refused', { nested: (jws) => `${jws}.AAAA` }),
    bad('a nested JWS with a line feed behind it is refused', { nested: (jws) => `${jws}\n` }),
    bad('a nested JWE is refused', { nested: aes('nested jwe') }),
    bad('a changed payload is refused', {
      nested: (jws) =>
        [jws.split('.')[0], b64(JSON.stringify(goodEcc({ sub: 'root' }))), jws.split('.')[2]].join('.'),
    }),
    bad('a detached payload is refused', {
      nested: (jws) => [jws.split('.')[0], '', jws.split('.')[2]].join('.'),
    }),
    bad('a JWS as JSON is refused', {
      nested: (jws) =>
        JSON.stringify({
          protected: jws.split('.')[0],
          payload: jws.split('.')[1],
          signature: jws.split('.')[2],
        }),
    }),
    bad('a token re-sealed by another relay for this one is refused by its audience', {
      claims: goodEcc({ aud: 'second.example.com' }),
    }),
    invalid(
      '4.7',
      'a bare JWS without encryption is refused',
      signJws(INNER, claimsText, ecKeys['sig-shop1']),
    ),
    {
      ...invalid(
        '4.9',
        'an ecc token that has expired says so',
        ecc('expired', { claims: goodEcc({ exp: NOW }) }),
      ),
      result: 'token_expired' as const,
      claim: 'exp',
    },
    {
      ...invalid(
        '4.9',
        'an ecc token revoked by its jti says so',
        ecc('revoked', { claims: goodEcc({ jti: 'revoked-token-0002' }) }),
      ),
      result: 'token_revoked' as const,
      claim: 'jti',
    },
    {
      ...invalid(
        '4.9',
        "an ecc token above its issuer's lifetime says so",
        ecc('ttl', { claims: goodEcc({ exp: NOW + 3591 }) }),
      ),
      result: 'claim_not_allowed' as const,
      claim: 'exp',
    },
    {
      ...invalid(
        '4.9',
        'an ecc token for a provider its issuer may not use says so',
        ecc('provider', { claims: goodEcc({ upstream: { provider: 'groq', key: 'gsk-vector' } }) }),
      ),
      result: 'claim_not_allowed' as const,
      claim: 'upstream.provider',
    },
    opens(
      '4.9',
      'an issuer without ceilings may use that provider',
      ecc('noceiling', {
        claims: goodEcc({ iss: 'other-ecc', upstream: { provider: 'groq', key: 'gsk-vector' } }),
        innerHeader: inner({ kid: 'sig-other' }),
        signer: ecKeys['sig-other'],
      }),
    ),
  ];
}

/** All of them. */
export function nestedCases(): OpenCase[] {
  return [...outerHeaders(), ...signatures()];
}
