/** The second wall, against every key format in every place: nothing of it is left, whatever is readable stays, and no line costs more than its length. */
import { describe, expect, it } from 'vitest';
import { errorFields } from '../../src/observability/logger.ts';
import { redact } from '../../src/redact.ts';
import { createJsonLogger } from '../../src/runtime/node/json-logger.ts';
import { findSecrets } from '../../src/secret-formats.ts';
import { KEY_FORMATS, NAMED_LINES, PLACES, READABLE, sampleKey, tellingPart } from './secret-lines.cases.ts';

const part = (length: number) => 'aB3_-xYz9'.repeat(length).slice(0, length);
const TOKEN = [`eyJ${part(80)}`, part(54), part(16), part(300), part(22)].join('.');
const PRETTY = [`ewo${part(80)}`, part(54), part(16), part(300), part(22)].join('.');

const TOKENS: ReadonlyArray<readonly [what: string, token: string, telling: string]> = [
  ['whole', TOKEN, TOKEN.slice(150, 200)],
  ['with ek_', `ek_${TOKEN}`, TOKEN.slice(150, 200)],
  ['with encoded dots', TOKEN.replaceAll('.', '%2E'), TOKEN.slice(160, 200)],
  ['cut in its header', TOKEN.slice(0, 60), TOKEN.slice(20, 60)],
  ['cut in its key', TOKEN.slice(0, 100), TOKEN.slice(20, 60)],
  ['cut in its text', TOKEN.slice(0, 300), TOKEN.slice(200, 300)],
  ['without its head', TOKEN.slice(84), TOKEN.slice(200, 300)],
  ['its end alone', TOKEN.slice(200), TOKEN.slice(220, 300)],
  ['with a header of many lines', PRETTY, PRETTY.slice(150, 200)],
  ['in base64', `ZXlK${part(400)}`, part(400).slice(20, 60)],
  ['a signed JWT', [`eyJ${part(30)}`, `eyJ${part(120)}`, part(43)].join('.'), part(120).slice(10, 60)],
];

describe('A55 the second wall masks', () => {
  it.each(KEY_FORMATS.map((format) => [format.provider, format] as const))(
    'a key of %s in every place',
    (_name, format) => {
      for (const [where, line] of PLACES) {
        const text = line(sampleKey(format));
        expect(redact(text), where).not.toContain(tellingPart(format));
        expect(findSecrets(text).length, where).toBeGreaterThan(0);
      }
    },
  );

  it.each(TOKENS)('a token %s in every place', (_name, token, telling) => {
    for (const [where, line] of PLACES) expect(redact(line(token)), where).not.toContain(telling);
  });

  it.each(NAMED_LINES)('what stands around it gives away: %s', (line) => {
    // 32 letters and digits, the form of keys without a form
    const secret = 'q7Wm3Zr9Tb1Kx5Vd8Ls2Nf6Hc4Jg0PyA';
    expect(redact(line.replaceAll('{}', secret))).not.toContain(secret.slice(4, 28));
  });

  it('every line of JSON stays JSON, and masking twice changes nothing more', () => {
    for (const format of KEY_FORMATS) {
      for (const [where, line] of PLACES) {
        const once = redact(line(sampleKey(format)));
        expect(redact(once), `${format.provider} ${where}`).toBe(once);
        if (where.includes('JSON') || where.includes('escaped'))
          expect(() => JSON.parse(once), where).not.toThrow();
      }
    }
    for (const [, token] of TOKENS) {
      for (const [where, line] of PLACES)
        if (where.includes('JSON') || where.includes('escaped')) JSON.parse(redact(line(token)));
    }
  });

  it('errors with causes, own members and AggregateErrors, as the log writes them', () => {
    const lines: string[] = [];
    const log = createJsonLogger('debug', { write: (line) => lines.push(line) });
    for (const format of KEY_FORMATS) {
      const secret = sampleKey(format);
      const cause = Object.assign(new TypeError(`inner ${secret}`), { config: { key: secret } });
      const errors = [
        new Error(`outer ${secret}`, { cause }),
        new AggregateError([cause, new Error(secret)], `all ${secret}`),
        Object.assign(new Error('x'), { name: `Odd ${secret}`, stack: `Error\n    at f (${secret}:1:1)` }),
        secret,
        { toString: () => secret },
      ];
      for (const error of errors) log.log('error', 'fault', errorFields(error));
      const text = lines.splice(0).join('');
      expect(text, format.provider).not.toContain(tellingPart(format));
      expect(text).toMatch(/redacted|token/);
    }
  });
});

describe('the second wall leaves alone', () => {
  it.each(READABLE)('%s', (line) => {
    expect(findSecrets(line)).toEqual([]);
    expect(redact(line)).toBe(line);
  });
});

describe('the second wall takes time in proportion', () => {
  const HOSTILE: ReadonlyArray<readonly [what: string, text: (n: number) => string]> = [
    ['one letter', (n) => 'a'.repeat(n)],
    ['short parts', (n) => 'a.'.repeat(n / 2)],
    ['long parts', (n) => `${part(17)}.`.repeat(n / 18)],
    ['parts of three and a wrong one', (n) => `${part(40)}.${part(40)}.${part(40)}!`.repeat(n / 123)],
    ['encoded dots', (n) => `${part(17)}%2E`.repeat(n / 20)],
    ['half dots', (n) => `${part(17)}%2`.repeat(n / 19)],
    ['starts of headers', (n) => 'eyJ'.repeat(n / 3)],
    ['starts of headers apart', (n) => ' eyJabc'.repeat(n / 7)],
    ['prefixes', (n) => 'sk-'.repeat(n / 3)],
    ['prefixes apart', (n) => ' sk_a fw_b key_c'.repeat(n / 16)],
    ['names', (n) => 'api_key='.repeat(n / 8)],
    ['names and blanks', (n) => `secret${' '.repeat(9)}`.repeat(n / 15)],
    ['schemes', (n) => 'Bearer '.repeat(n / 7)],
    ['loose schemes before letters', (n) => `Key ${'x'.repeat(60)} `.repeat(n / 65)],
    ['protocols', (n) => 'a://'.repeat(n / 4)],
    ['protocols and an at', (n) => `${'a://b:'.repeat(n / 6)}@`],
    ['letters before a protocol', (n) => `${'a'.repeat(n)}://b:c@`],
    ['hex', (n) => '0123456789abcdef'.repeat(n / 16)],
    ['hex and dots', (n) => '0123456789abcdef0123456789abcdef.'.repeat(n / 33)],
    ['uuids', (n) => '01234567-89ab-cdef-0123-456789abcdef:'.repeat(n / 37)],
    ['backslashes', (n) => '\\'.repeat(n)],
    ['escapes', (n) => '\\n\\u0022'.repeat(n / 8)],
    ['percent signs', (n) => '%22'.repeat(n / 3)],
    ['quotes', (n) => '"k":"'.repeat(n / 5)],
    ['private keys', (n) => '-----BEGIN PRIVATE KEY-----'.repeat(n / 27)],
    ['words before a private key', (n) => '-----BEGIN RSA RSA '.repeat(n / 19)],
    ['long letters before a digit', (n) => `app-${'a'.repeat(n)}`],
    ['colours', (n) => '[31m'.repeat(n / 4)],
    ['colours unended', (n) => `[${'3;'.repeat(n / 2)}`],
  ];

  const bestMs = (text: string) => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      const start = performance.now();
      redact(text);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };

  it.each(HOSTILE)('%s', (_what, text) => {
    // eight times the text: eight times the time in proportion, sixty-four where it grows as a square; far from both, since the machine has other work
    let ratio = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 3 && ratio > 24; attempt++) {
      const once = bestMs(text(60_000));
      const more = bestMs(text(480_000));
      // below a millisecond the clock decides
      ratio = Math.min(ratio, more < 1 ? 1 : more / once);
    }
    expect(ratio).toBeLessThan(24);
  });
});
