import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { createRai, parseRai, Secret } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import type { VaultEntry } from '../../routing/options.ts';
import { type Packed, packSecrets, unpackSecrets } from './worker-messages.ts';

/** What arrives at another thread: a structured clone. */
function send<T>(value: T): T {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(packSecrets(value));
  const received = receiveMessageOnPort(port2)?.message as Packed<T>;
  port1.close();
  return unpackSecrets(received);
}

/** A value with every secret in it laid open, for comparing. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return `secret:${value.reveal()}`;
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revealed(each)]));
}

const RELAY = 'http://127.0.0.1:8840/relayapi/';

describe('secrets on their way to another thread', () => {
  it('a key file of either method arrives as it was, its keys wrapped as before', () => {
    const shared = createRai({ method: 'aes', relay: RELAY, role: 'shared' });
    const ecc = createRai({ method: 'ecc', relay: RELAY, iss: 'shop', role: 'pair' });
    const contents = ['shared' in shared ? shared.shared : {}, 'relay' in ecc ? ecc.relay : {}];
    const files = contents.map((content, index) => ({ name: `${index}.rai`, file: parseRai(content) }));
    const arrived = send(files);
    expect(revealed(arrived)).toEqual(revealed(files));
    expect(JSON.stringify(revealed(files)).split('secret:').length).toBe(3);
    expect(JSON.stringify(arrived)).toContain('[secret]');
  });

  it('revocations by subject keep names that objects have of their own', () => {
    const made = createRai({ method: 'aes', relay: RELAY, role: 'shared' });
    if (!('shared' in made)) throw new Error('a shared file was asked for');
    const sub = { valueOf: 5, hasOwnProperty: 6, 'user-42': 7 };
    const file = parseRai(JSON.stringify({ ...made.shared, revoke: { iat_before: 0, sub, jti: [] } }));
    const arrived = send(file);
    if (!('revoke' in arrived)) throw new Error('a shared file was sent');
    expect(Object.entries(arrived.revoke.sub)).toEqual([
      ['valueOf', 5],
      ['hasOwnProperty', 6],
      ['user-42', 7],
    ]);
    expect(Object.hasOwn(arrived.revoke.sub, 'toString')).toBe(false);
  });

  it('a vault arrives with its keys, its limits and nothing for what is left out', () => {
    const entry: VaultEntry = {
      provider: 'openai',
      credential: { key: new Secret('sk-demo-not-a-key') },
      vars: undefined,
      models: ['gpt-*'],
      limits: { calls: 5, rate: [10, 60] },
    };
    const [[name, arrived]] = send([['main', entry]] as const);
    expect(name).toBe('main');
    expect(arrived.credential['key']?.reveal()).toBe('sk-demo-not-a-key');
    expect(revealed(arrived)).toEqual(revealed(entry));
  });

  it('a text is no secret, and an empty secret stays one', () => {
    const arrived = send({ text: 'plain', none: new Secret(''), flag: true, nothing: null });
    expect(arrived).toMatchObject({ text: 'plain', flag: true, nothing: null });
    expect(arrived.none).toBeInstanceOf(Secret);
    expect(arrived.none.reveal()).toBe('');
  });
});
