/** Revocation: what is named is refused by the very judge that relays use; nothing that was revoked comes back. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RelayAPIClient } from 'relayapi-sdk';
import { CORE_FEATURES, createKeyring, createRai, judgeToken, openToken, parseRai } from 'relayapi-token';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, readJson, writeRai } from '../test/support/command.ts';
import { type RevokeCommand, revoke } from './revoke.ts';

const RELAY = 'https://relay.example.com/relayapi/';
const now = Math.floor(Date.now() / 1000);

let dir: string;
let relay: string;
let issuer: object;
beforeEach(() => {
  dir = makeFolder();
  relay = join(dir, 'relay.rai');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function makePair(method: 'aes' | 'ecc'): void {
  const pair = createRai({ method, relay: RELAY, iss: 'shop' });
  writeRai(relay, pair.relay);
  issuer = pair.issuer;
}

const command = (over: Partial<RevokeCommand> = {}): RevokeCommand => ({
  rai: relay,
  jti: [],
  sub: [],
  kid: [],
  all: false,
  groupRead: false,
  now,
  ...over,
});

const mintFor = (subject?: string) =>
  new RelayAPIClient(issuer).generateToken({ apiKey: 'sk-demo-not-a-key', ...(subject && { subject }) });

async function look(token: string) {
  const { keyring } = await createKeyring([{ name: 'r', file: parseRai(readJson(relay)) }], {
    generation: 1,
  });
  const opened = await openToken(token, keyring, { now });
  if (opened === null) throw new Error('the token does not open');
  return { opened, denial: judgeToken(opened, keyring, { now, supported: CORE_FEATURES }) };
}

describe.each(['aes', 'ecc'] as const)('a relay file of method %s', (method) => {
  beforeEach(() => makePair(method));

  it('--jti stops that token alone', async () => {
    const [bad, good] = [mintFor(), mintFor()];
    const { jti } = (await look(bad)).opened.claims;
    expect((await revoke(command({ jti: [jti] }))).kind).toBe('done');
    expect((await look(bad)).denial).toEqual({ code: 'token_revoked', claim: 'jti' });
    expect((await look(good)).denial).toBeNull();
  });

  it('--sub stops the tokens that the subject has, not those of others', async () => {
    const [bad, good] = [mintFor('user-1'), mintFor('user-2')];
    await revoke(command({ sub: ['user-1'], now: Math.floor(Date.now() / 1000) }));
    expect((await look(bad)).denial).toEqual({ code: 'token_revoked', claim: 'sub' });
    expect((await look(good)).denial).toBeNull();
  });

  it('--sub with --before spares later tokens and everybody else', async () => {
    const token = mintFor('user-1');
    await revoke(command({ sub: ['user-1'], before: now - 100 }));
    expect((await look(token)).denial).toBeNull();
    expect((await look(mintFor())).denial).toBeNull();
    await revoke(command({ sub: ['user-1'], before: now + 100 }));
    expect((await look(token)).denial?.claim).toBe('sub');
  });

  it('--kid stops the tokens of a key', async () => {
    const token = mintFor();
    const { kid, signerKid } = (await look(token)).opened;
    await revoke(command({ kid: [signerKid ?? kid] }));
    expect((await look(token)).denial).toEqual({ code: 'token_revoked', claim: 'kid' });
  });

  it('--all stops every token so far', async () => {
    const token = mintFor();
    await revoke(command({ all: true, now: Math.floor(Date.now() / 1000) }));
    expect((await look(token)).denial).toEqual({ code: 'token_revoked', claim: 'iat' });
  });

  it('--before alone stops everything older', async () => {
    const token = mintFor();
    await revoke(command({ before: now }));
    expect((await look(token)).denial).toBeNull();
    await revoke(command({ before: now + 1000 }));
    expect((await look(token)).denial?.code).toBe('token_revoked');
  });

  it('nothing that was revoked comes back', async () => {
    await revoke(command({ all: true, jti: ['a'.repeat(22)], sub: ['user-1'] }));
    await revoke(command({ before: 5, jti: ['b'.repeat(22), 'a'.repeat(22)] }));
    await revoke(command({ sub: ['user-1', 'user-2'], before: 7 }));
    const file = parseRai(readJson(relay));
    if (file.role === 'issuer') throw new Error('not the relay file');
    const held = file.method === 'aes' ? file.revoke : file.issuers[0]?.revoke;
    expect(held?.iat_before).toBe(now + 1);
    expect(held?.jti).toEqual(['a'.repeat(22), 'b'.repeat(22)]);
    expect({ ...held?.sub }).toEqual({ 'user-1': now + 1, 'user-2': 7 });
  });

  it('keeps the mode and everything else in the file', async () => {
    const before = parseRai(readJson(relay));
    await revoke(command({ all: true }));
    expect(statSync(relay).mode & 0o777).toBe(0o600);
    const after = parseRai(readJson(relay));
    expect(after.keys.map(({ kid }) => kid)).toEqual(before.keys.map(({ kid }) => kid));
    expect(after.aud).toBe(before.aud);
  });
});

describe('several issuers', () => {
  beforeEach(() => {
    makePair('ecc');
    const other = createRai({ method: 'ecc', relay: RELAY, iss: 'blog' });
    const file = readJson(relay) as { issuers: unknown[] };
    file.issuers.push(...(other.relay as { issuers: unknown[] }).issuers);
    writeRai(relay, file);
  });
  const held = () =>
    (readJson(relay) as { issuers: { iss: string; revoke?: { iat_before: number } }[] }).issuers;

  it('--iss narrows to one', async () => {
    expect(await revoke(command({ all: true, iss: 'shop' }))).toMatchObject({ data: { issuers: ['shop'] } });
    expect(held().map(({ revoke: each }) => each?.iat_before)).toEqual([now + 1, undefined]);
  });

  it('without it all are meant', async () => {
    await revoke(command({ all: true }));
    expect(held().map(({ revoke: each }) => each?.iat_before)).toEqual([now + 1, now + 1]);
  });

  it('a subject belongs to one issuer: without --iss it is refused', async () => {
    expect(await revoke(command({ sub: ['user-1'] }))).toMatchObject({
      problems: [{ fix: 'add --iss shop or blog' }],
    });
    expect((await revoke(command({ sub: ['user-1'], iss: 'blog' }))).kind).toBe('done');
  });

  it('an unknown issuer is refused with those that there are', async () => {
    expect(await revoke(command({ all: true, iss: 'shopp' }))).toMatchObject({
      problems: [{ fix: 'write --iss shop or blog' }],
    });
  });
});

describe('refusals', () => {
  beforeEach(() => makePair('aes'));

  it.each([
    ['nothing to take back', {}],
    ['--all beside --before', { all: true, before: 5 }],
    ['the short id of a log line', { jti: ['abcd:efgh'] }],
    ['an id of 8 characters', { jti: ['abcdefgh'] }],
    ['a subject that no token can carry', { sub: ['has a space'] }],
  ] as const)('%s is a misuse', async (_name, over) => {
    const before = readFileSync(relay, 'utf8');
    expect((await revoke(command(over))).kind).toBe('misused');
    expect(readFileSync(relay, 'utf8')).toBe(before);
  });

  it('a key that the file does not have would revoke nothing: refused with those it has', async () => {
    const { kid } = (readJson(relay)['keys'] as { kid: string }[])[0] ?? { kid: '' };
    expect(await revoke(command({ kid: ['nope'] }))).toMatchObject({
      problems: [{ fix: `its keys are ${kid}` }],
    });
  });

  it('an issuer’s file, a version 1 file, a broken and a missing one are refused', async () => {
    writeRai(join(dir, 'issuer.rai'), issuer);
    expect(await revoke(command({ rai: join(dir, 'issuer.rai'), all: true }))).toMatchObject({
      problems: [{ path: '$.role' }],
    });
    writeRai(join(dir, 'broken.rai'), '{');
    expect((await revoke(command({ rai: join(dir, 'broken.rai'), all: true }))).kind).toBe('refused');
    expect((await revoke(command({ rai: join(dir, 'no.rai'), all: true }))).kind).toBe('refused');
  });

  it('ten at once all count', async () => {
    const ids = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(22));
    const outcomes = await Promise.all(ids.map((id) => revoke(command({ jti: [id] }))));
    expect(outcomes.every(({ kind }) => kind === 'done')).toBe(true);
    expect((readJson(relay)['revoke'] as { jti: string[] }).jti.sort()).toEqual(ids);
  });
});
