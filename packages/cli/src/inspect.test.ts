/** Inspection: claims with the key masked, the reason of a refusal in words, also for tokens that no relay opens any more. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RelayAPIClient } from 'relayapi-sdk';
import { createRai, type MintClaims, parseRai, sealToken } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEY, makeFolder, NOON, readJson, runHere, writeRai } from '../test/support/command.ts';

const RELAY = 'https://relay.example.com/relayapi/';

let dir: string;
let relay: string;
let issuer: string;
beforeEach(() => {
  dir = makeFolder();
  relay = join(dir, 'relay.rai');
  issuer = join(dir, 'issuer.rai');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function makePair(method: 'aes' | 'ecc', change: (relaySide: Record<string, unknown>) => void = () => {}) {
  const pair = createRai({ method, relay: RELAY, iss: 'shop' });
  const relaySide = pair.relay as Record<string, unknown>;
  change(relaySide);
  writeRai(relay, relaySide);
  writeRai(issuer, pair.issuer);
  return pair.issuer;
}

function seal(issuerSide: object, claims: Partial<MintClaims> = {}): string {
  const base = { iss: 'shop', aud: 'relay.example.com', jti: 'j'.repeat(22), iat: NOON, exp: NOON + 3600 };
  return sealToken(parseRai(issuerSide), { ...base, upstream: { provider: 'openai', key: KEY }, ...claims });
}

async function look(subject: string, now = NOON, rai = relay) {
  const ran = await runHere(['inspect', subject, '--rai', rai, '--json'], { now });
  return { ...ran, data: JSON.parse(ran.stdout) as Record<string, unknown> };
}

describe.each(['aes', 'ecc'] as const)('a token of method %s', (method) => {
  it('shows claims, time left and keys, the provider’s key masked', async () => {
    const token = seal(makePair(method), { sub: 'user-42', limits: { calls: 5 } });
    const { code, data, stdout, stderr } = await look(`${RELAY}${token}`);
    expect(code).toBe(0);
    expect(data).toMatchObject({ ok: true, seconds_left: 3600, refused: null });
    expect(data['claims']).toMatchObject({
      sub: 'user-42',
      limits: { calls: 5 },
      upstream: [{ key: '[secret]' }],
    });
    expect(stdout + stderr).not.toContain(KEY);
    expect('signer_kid' in data).toBe(method === 'ecc');
  });

  it('an expired token is shown, with when it ended', async () => {
    const { code, data } = await look(seal(makePair(method)), NOON + 3600 + 90);
    expect(code).toBe(0);
    expect(data).toMatchObject({
      seconds_left: 0,
      refused: { code: 'token_expired', reason: 'it expired 1 min 30 s ago, at 2026-11-20 13:00:00 UTC' },
    });
  });

  it('a token before its nbf, one of the future, one with too long a life', async () => {
    const file = makePair(method);
    const early = await look(seal(file, { nbf: NOON + 600 }));
    expect(early.data).toMatchObject({
      refused: { code: 'token_not_yet_valid', reason: expect.stringMatching(/12:10:00/) },
    });
    const future = await look(seal(file), NOON - 120);
    expect(future.data).toMatchObject({ refused: { code: 'token_invalid', claim: 'iat' } });
    const long = await look(seal(file, { exp: NOON + 90_000 }));
    expect(long.data).toMatchObject({ refused: { code: 'claim_not_allowed', claim: 'exp' } });
  });

  it('a token whose key has ended is shown, and why no relay opens it', async () => {
    const file = makePair(method, (side) => {
      const [key] = side['keys'] as Record<string, unknown>[];
      Object.assign(key as object, { status: 'accept', until: NOON + 10 });
    });
    const token = seal(file);
    expect((await look(token, NOON)).data).toMatchObject({ refused: null });
    const { data } = await look(token, NOON + 10);
    expect(data).toMatchObject({
      refused: { code: 'token_invalid', reason: expect.stringMatching(/"until"/) },
    });
  });

  it('a revoked token names what took it back', async () => {
    const revoke = { iat_before: 0, sub: {}, jti: ['j'.repeat(22)] };
    const file = makePair(method, (side) => {
      if (method === 'aes') side['revoke'] = revoke;
      else Object.assign((side['issuers'] as object[])[0] as object, { revoke });
    });
    const { data } = await look(seal(file));
    expect(data).toMatchObject({
      refused: { code: 'token_revoked', reason: expect.stringMatching(/"jti"/) },
    });
  });

  it('a changed token is refused without a guess at what is in it', async () => {
    const token = seal(makePair(method));
    const parts = token.split('.');
    const body = parts[3] as string;
    parts[3] = `${body.startsWith('A') ? 'B' : 'A'}${body.slice(1)}`;
    const { code, stderr } = await look(parts.join('.'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not open with its key/);
  });

  it('finds the file that opens it in a folder, past broken and foreign ones', async () => {
    const token = seal(makePair(method));
    mkdirSync(join(dir, 'keys'));
    writeRai(join(dir, 'keys', 'a.rai'), '{');
    writeRai(join(dir, 'keys', 'b.rai'), createRai({ method: 'aes', relay: RELAY, iss: 'blog' }).relay);
    expect((await look(token, NOON, join(dir, 'keys'))).stderr).toMatch(/is not in this file/);
    rmSync(join(dir, 'keys', 'b.rai'));
    writeRai(join(dir, 'keys', 'c.rai'), readJson(relay));
    expect((await look(token, NOON, join(dir, 'keys'))).code).toBe(0);
  });
});

describe('an issuer’s file', () => {
  it('of method aes opens its tokens, and does not pretend to know what the relay allows', async () => {
    makePair('aes');
    const token = new RelayAPIClient(issuer).generateToken({ vault: 'main', expireSeconds: 200_000 });
    const { code, data } = await look(token, Math.floor(Date.now() / 1000), issuer);
    expect(code).toBe(0);
    expect(data).toMatchObject({ refused: null });
  });

  it('of method ecc cannot, and says who can', async () => {
    const { code, stderr } = await look(seal(makePair('ecc')), NOON, issuer);
    expect(code).toBe(1);
    expect(stderr).toMatch(/only the relay can open it/);
  });
});

describe('words', () => {
  it('for people: state, keys, times, claims', async () => {
    const token = seal(makePair('aes'));
    const ran = await runHere(['inspect', token, '-rai', relay], { now: NOON + 600 });
    expect(ran.stdout).toMatch(/^token {4}\S+:jjjjjjjj\n/);
    expect(ran.stdout).toContain('state    valid for 50 min, until 2026-11-20 13:00:00 UTC\n');
    expect(ran.stdout).toContain('issued   2026-11-20 12:00:00 UTC by shop for relay.example.com\n');
    expect(ran.stdout).toContain('"key": "[secret]"');
    const late = await runHere(['inspect', token, '-rai', relay], { now: NOON + 4000 });
    expect(late.stdout).toMatch(/state {4}refused now: token_expired/);
  });

  it('reads from standard input, with or without a dash, also behind ek_', async () => {
    const token = seal(makePair('aes'));
    for (const args of [['inspect'], ['inspect', '-']]) {
      const ran = await runHere([...args, '--rai', relay], { now: NOON, stdin: ` ek_${token}\n` });
      expect(ran.code).toBe(0);
    }
  });

  it('nothing to look at is a misuse; a text without a token is refused and not repeated', async () => {
    makePair('aes');
    expect((await runHere(['inspect', '--rai', relay], { stdinIsTerminal: true })).code).toBe(2);
    const ran = await runHere(['inspect', KEY, '--rai', relay]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/no version 2 token/);
    expect(ran.stderr).not.toContain(KEY);
  });

  it('a header that is no JSON, and a file that is not there', async () => {
    const token = seal(makePair('aes'));
    const odd = ['AAAA', ...token.split('.').slice(1)].join('.');
    expect((await runHere(['inspect', odd, '--rai', relay])).stderr).toMatch(/header cannot be read/);
    expect((await runHere(['inspect', token, '--rai', join(dir, 'no.rai')])).stderr).toMatch(/no such file/);
    writeRai(relay, '{}', 0o644);
    expect((await runHere(['inspect', token, '--rai', relay])).stderr).toMatch(/chmod 600/);
    mkdirSync(join(dir, 'empty'));
    expect((await runHere(['inspect', token, '--rai', join(dir, 'empty')])).stderr).toMatch(/without any/);
  });
});
