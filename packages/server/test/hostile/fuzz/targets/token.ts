/** Tokens: text that nobody sealed never opens; what is sealed properly opens exactly where the slow plain twin opens it. */
import {
  CORE_FEATURES,
  createKeyring,
  createRai,
  encodeBase64Url,
  judgeToken,
  openToken,
  parseRai,
  sealToken,
  sha256,
} from 'relayapi-token';
import { sealJwe } from '../../../../../token/test/generate/crypto.ts';
import { makeClaims, NOW } from '../../../../../token/test/support/pairs.ts';
import { openPlainly, type TwinFile } from '../../../../../token/test/support/twin.ts';
import { bytesOf, type FuzzTarget, hold } from '../target.ts';
import { JSON_WORDS } from './strict-json.ts';

const pair = createRai({ method: 'aes', relay: 'https://relay.example.com/relayapi/', iss: 'shop' });
const relay = pair.relay as TwinFile;
const { kid = '', k = '' } = relay.keys[0] ?? {};
const kek = Buffer.from(k, 'base64url');
const { keyring } = await createKeyring([{ name: 'relay.rai', file: parseRai(pair.relay) }], {
  generation: 1,
});
const GOOD = sealToken(parseRai(pair.issuer), makeClaims());
const HEADER = JSON.stringify({ alg: 'A256KW', enc: 'A256GCM', kid, typ: 'rai+jwt' });
const CLAIMS = JSON.stringify(makeClaims());
let serial = 0;

/** The first letter says what the rest is: a whole token, a header or claims to be sealed. */
async function check(input: string): Promise<string> {
  const rest = input.slice(1);
  const seal = (header: string, claims: string) =>
    sealJwe({
      label: `fuzz ${serial++}`,
      header: Buffer.from(bytesOf(header)),
      plaintext: Buffer.from(bytesOf(claims)),
      kek,
    });
  const way = input[0] === 'h' ? 'header' : input[0] === 'c' ? 'claims' : 'token';
  const token = way === 'token' ? rest : way === 'header' ? seal(rest, CLAIMS) : seal(HEADER, rest);
  const opened = await openToken(token, keyring, { now: NOW });
  if (way === 'token') hold(opened === null || token === GOOD, 'a token that nobody sealed opens');
  const text = openPlainly(token, [relay], NOW);
  const plain = text === null ? null : encodeBase64Url(sha256(Buffer.from(text)));
  hold((opened?.claimsDigest ?? null) === plain, 'the twin says otherwise');
  if (opened === null) return `${way} refused`;
  hold(!JSON.stringify(opened).includes('sk-demo-not-a-key'), 'a key shows');
  const denial = judgeToken(opened, keyring, { now: NOW, supported: CORE_FEATURES });
  return `${way} ${denial === null ? 'passes' : denial.code}`;
}

export const tokenTarget: FuzzTarget = {
  name: 'token',
  sources: /token\/src\/(?:open|judge|claims|claim-rules|ip-syntax|token-shape|bytes)\.ts$/,
  seeds: [
    `t${GOOD}`,
    `h${HEADER}`,
    `c${CLAIMS}`,
    `c${JSON.stringify(makeClaims({ limits: { calls: 3, rate: [1, 2] }, models: ['a*'], paths: ['POST /chat/*'], origins: ['https://a.example', 'none'], ips: ['10.0.0.0/8', '::1'], set: { a: 1 }, cap: { n: 1 }, meta: {}, features: [], replay: 'nonce', countries: ['DE'], nbf: NOW }))}`,
    `c${JSON.stringify(
      makeClaims({
        upstream: [
          { provider: 'a', vault: 'v' },
          { provider: 'b', credential: { id: 'x' }, vars: { r: 'y' }, base: 'https://b.example/v1' },
        ],
        ips: 'first/24,48',
        store_down: 'open',
        cnf: { jkt: 'A'.repeat(43) },
      }),
    )}`,
  ],
  dictionary: [
    ...JSON_WORDS,
    ...'iss aud jti iat exp nbf sub cnf upstream limits models paths features origins ips set cap countries replay store_down meta provider key vault base vars credential calls rate zip alg dir 2147483648 1800000060 1800000061 1799999999 https://a.example:443 POST first/33,1 10.0.0.0/33 .'.split(
      ' ',
    ),
  ],
  maxLength: 4200,
  check,
};
