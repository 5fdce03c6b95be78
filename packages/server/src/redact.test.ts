import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskTarget, printable, redact } from './redact.ts';

/** A bound on real time may be missed once on a loaded machine, never again and again. */
const REAL_TIME = { retry: 3 };

const part = (length: number) => 'aB3_-xYz9'.repeat(length).slice(0, length);
const TOKEN = [`eyJ${part(80)}`, part(54), part(16), part(300), part(22)].join('.');

describe('redact', () => {
  it.each([
    ['a token', TOKEN],
    ['a token with ek_', `ek_${TOKEN}`],
    ['a token with encoded dots', TOKEN.replaceAll('.', '%2E')],
    ['a token cut off', TOKEN.slice(0, 60)],
  ])('masks %s wherever it stands', (_name, token) => {
    for (const text of [
      token,
      `GET /relayapi/${token}/v1 failed`,
      `{"url":"http://h/${token}"}`,
      `a=${token}&b`,
    ]) {
      const masked = redact(text);
      expect(masked).toContain('[token]');
      expect(masked).not.toContain(token.slice(3, 40));
    }
  });

  // Put together here, so that no text of this repository looks like a key.
  it.each([
    ['sk', '-demo-not-a-key'],
    ['sk-ant-api03', '-demo-not-a-key'],
    ['sk-proj', '-demo_not_a_key'],
    ['sk-or-v1', '-demo-not-a-key'],
    ['gsk', '_demonotakeydemonotakey'],
    ['xai', '-demonotakeydemonotakey'],
    ['hf', '_demonotakeydemonotakey'],
    ['r8', '_demonotakeydemonotakey'],
    ['pplx', '-demonotakeydemonotakey'],
    ['nvapi', '-demonotakeydemonotakey'],
    ['AIza', 'demonotakeydemonotakeydemonotakeyde'],
    ['00000000', '-0000-0000-0000-000000000000:fx'],
  ])('masks a key that begins like one: %s…', (prefix, rest) => {
    const key = prefix + rest;
    expect(redact(`upstream said: bad key ${key}, sorry`)).toBe('upstream said: bad key [redacted], sorry');
    expect(redact(JSON.stringify({ key }))).not.toContain(key);
  });

  it.each([
    ['authorization: Bearer demo.not-a-key/1', 'authorization: Bearer [redacted]'],
    ['Authorization: DeepL-Auth-Key demo-not-a-key', 'Authorization: DeepL-Auth-Key [redacted]'],
    ['x-api-key=demonotakey', 'x-api-key=[redacted]'],
    ['{"api_key":"demonotakey"}', '{"api_key":"[redacted]"}'],
    ['{"aes_key":"demonotakey","x":1}', '{"aes_key":"[redacted]","x":1}'],
    ['redis://user:hunter22@cache:6379/0', 'redis://user:[redacted]@cache:6379/0'],
    ['password=demonotakey dbname=x', 'password=[redacted] dbname=x'],
    [`{"kty":"oct","k":"${part(43)}"}`, '{"kty":"oct","k":"[redacted]"}'],
    [`{\\"d\\":\\"${part(43)}\\"}`, '{\\"d\\":\\"[redacted]\\"}'],
  ])('masks what a name gives away: %s', (text, masked) => expect(redact(text)).toBe(masked));

  it.each([
    'the key material is missing, token exchange failed',
    'connect ECONNREFUSED 127.0.0.1:8840',
    'POST /v1/chat/completions 200 in 12 ms',
    'k7Qx2a:aB3dE5fG',
    '{"level":"info","time":"2026-11-20T18:00:00.000Z","msg":"relayed","http.response.status_code":200}',
    'api.openai.com',
    'api-free.deepl.com',
    '550e8400-e29b-41d4-a716-446655440000',
  ])('leaves plain words alone: %s', (text) => expect(redact(text)).toBe(text));

  it('masks every token, in whatever stands around it', () => {
    const base64url = fc.stringMatching(/^[A-Za-z0-9_-]{20,60}$/);
    const around = fc.constantFrom(
      '',
      ' ',
      '"',
      '/',
      '=',
      '(',
      "'",
      '\\n',
      '?x=',
      'Bearer ',
      '%2F',
      '\n',
      ':',
      ',',
    );
    fc.assert(
      fc.property(
        fc.array(base64url, { minLength: 5, maxLength: 5 }),
        around,
        around,
        (parts, before, after) => {
          const masked = redact(`${before}${parts.join('.')}${after}`);
          for (const part of parts) expect(masked).not.toContain(part);
        },
      ),
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Bearer ', 'api_key=', 'sk-', TOKEN, 'http://u:p@h/'),
        fc.string(),
        (head, tail) => {
          const once = redact(`${head}${tail}`);
          expect(redact(once)).toBe(once);
        },
      ),
    );
  });

  it('takes time in proportion to the text, whatever it holds', REAL_TIME, () => {
    for (const hostile of [
      'a'.repeat(200_000),
      'a.'.repeat(100_000),
      'eyJ'.repeat(60_000),
      'sk-'.repeat(60_000),
      'key='.repeat(40_000),
    ]) {
      const start = performance.now();
      redact(hostile);
      expect(performance.now() - start).toBeLessThan(500);
    }
  });
});

describe('maskTarget', () => {
  it('keeps the path, hides the token, drops the query', () => {
    expect(maskTarget(`/relayapi/${TOKEN}/v1/chat/completions?key=x`)).toBe(
      '/relayapi/[token]/v1/chat/completions',
    );
    expect(maskTarget(`/relayapi/ek_${TOKEN}`)).toBe('/relayapi/[token]');
    expect(maskTarget('/v1/models')).toBe('/v1/models');
    expect(maskTarget('')).toBe('');
  });

  it('hides a token that is cut off, encoded or misspelt as well: any long segment', () => {
    expect(maskTarget(`/relayapi/${TOKEN.slice(0, 70)}`)).toBe('/relayapi/[token]');
    expect(maskTarget(`/relayapi/${TOKEN.replaceAll('.', '%2e')}/x`)).toBe('/relayapi/[token]/x');
    expect(maskTarget(`/${'!'.repeat(100)}`)).toBe('/[token]');
  });

  it('is one short line, whatever was sent', () => {
    expect(maskTarget('/a\r\nb\u0000\u202e')).toBe('/a??b??');
    expect(maskTarget('/a'.repeat(1000))).toHaveLength(256);
  });
});

it('printable replaces what would break or turn a line', () => {
  expect(printable('a\nb\u2028c\u001b[31m')).toBe('a?b?c?[31m');
  expect(printable('Zürich 東京')).toBe('Zürich 東京');
});
