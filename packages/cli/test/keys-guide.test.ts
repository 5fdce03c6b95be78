/** docs/guides/keys-and-credentials.md held to the code: its table of credentials, its kinds of faults, its commands. */
import { readFileSync } from 'node:fs';
import { type Credential, RelayAPIClient } from 'relayapi-sdk';
import { createKeyring, createRai, findToken, openToken, parseRai } from 'relayapi-token';
import { expect, it } from 'vitest';
import { runHere } from './support/command.ts';

const root = new URL('../../../', import.meta.url);
const guide = readFileSync(new URL('docs/guides/keys-and-credentials.md', root), 'utf8');
const failures = readFileSync(new URL('packages/cli/src/provider-failure.ts', root), 'utf8');

const names = (text: string) => [...text.matchAll(/([A-Za-z_]+)\??/g)].map(([, name = '']) => name);

it('each row of the table becomes the parts that it says', async () => {
  const { issuer, relay } = createRai({ method: 'aes', relay: 'http://127.0.0.1/', role: 'pair' }) as {
    issuer: object;
    relay: object;
  };
  const { keyring } = await createKeyring([{ name: 'r', file: parseRai(relay) }], { generation: 1 });
  const documents: Record<string, object> = {
    Google: { type: 'service_account', client_email: 'a', private_key: 'b' },
    'SAP AI Core': { clientid: 'a', clientsecret: 'b', url: 'c' },
  };
  const rows = [...guide.matchAll(/^\| ([^|`]+) \| (.+) \| (`.+`) \|$/gm)];
  expect(rows).toHaveLength(7);
  for (const [, vendor = '', object = '', parts = ''] of rows) {
    const written = Object.fromEntries(
      names(object.replaceAll(/[^`]*`([^`]*)`.*/g, '$1')).map((name) => [name, 'a']),
    );
    const credential = (documents[vendor] ?? written) as Credential;
    const url = new RelayAPIClient(issuer).generateUrl({ provider: 'my-provider', credential });
    const opened = await openToken(findToken(url) ?? '', keyring, { now: Math.floor(Date.now() / 1000) });
    expect([vendor, Object.keys(opened?.claims.upstream[0]?.credential ?? {})]).toEqual([
      vendor,
      names(parts),
    ]);
  }
});

it('every kind of fault is named, and no other', () => {
  const type = /export type FailureKind =([^;]+);/.exec(failures)?.[1] ?? '';
  const told = /the fault is one word: ([^.]+)\./.exec(guide)?.[1] ?? '';
  const words = (text: string, quote: string) =>
    [...text.matchAll(new RegExp(`${quote}([a-z]+)${quote}`, 'g'))].map((match) => match[1]);
  expect(words(type, "'")).toHaveLength(12);
  expect(words(told, '`')).toEqual(words(type, "'"));
});

it('the flags that it names are those of the command', async () => {
  const { stdout } = await runHere(['providers', 'test', '--help']);
  const flags = [...new Set([...guide.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag))];
  expect(flags.length).toBeGreaterThan(4);
  for (const flag of flags) expect(stdout).toContain(flag);
});
