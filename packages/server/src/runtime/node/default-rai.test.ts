import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRai } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../config/schema.ts';
import { generateRai, genUrl, hostPort, listenUrl, makeDefaultRai } from './default-rai.ts';

const { server } = configSchema.parse({});
const fresh = () => join(mkdtempSync(join(tmpdir(), 'relayapi-default-')), 'default.rai');

describe('the default file', () => {
  it('is shared, fresh, readable by its owner alone, and points at the relay', () => {
    const [one, two] = [fresh(), fresh()];
    expect(makeDefaultRai(one, server)).toBeNull();
    expect(makeDefaultRai(two, server)).toBeNull();
    expect(statSync(one).mode & 0o777).toBe(0o600);
    expect(parseRai(readFileSync(one))).toMatchObject({
      role: 'shared',
      method: 'aes',
      relay: 'http://127.0.0.1:8840/relayapi/',
    });
    expect(readFileSync(one, 'utf8')).not.toBe(readFileSync(two, 'utf8'));
  });

  it('never takes the place of another file', () => {
    const path = fresh();
    writeFileSync(path, 'mine');
    expect(makeDefaultRai(path, server)).toMatchObject({ source: path });
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  it('that cannot be written is a problem with a fix', () => {
    const problem = makeDefaultRai(join(fresh(), 'x', 'default.rai'), server);
    expect(problem?.message).toContain('cannot be made');
    expect(problem?.fix).toContain('-rai');
  });
});

describe('-gen', () => {
  it.each([
    ['127.0.0.1:8840', 'http://127.0.0.1:8840/relayapi/'],
    ['localhost:8840', 'http://localhost:8840/relayapi/'],
    ['[::1]:8840', 'http://[::1]:8840/relayapi/'],
    ['relay.example.com:8443', 'https://relay.example.com:8443/relayapi/'],
    ['relay.example.com', 'https://relay.example.com/relayapi/'],
    ['https://relay.example.com', 'https://relay.example.com/relayapi/'],
    ['https://relay.example.com/own/', 'https://relay.example.com/own/'],
  ])('%s is a relay at %s', (target, url) => expect(genUrl(target, '/relayapi/')).toBe(url));

  it.each(['', ':8840', 'host:0', 'host:99999', 'host:port', 'a b', 'ftp://h', 'http://', 'user@host:1'])(
    '"%s" is refused with the right form',
    (target) => {
      const rai = generateRai(target, '/relayapi/');
      expect(typeof rai !== 'string' && rai.problem).toMatchObject({
        path: '-gen',
        fix: expect.stringContaining('-gen 127.0.0.1:8840'),
      });
    },
  );

  it('prints a file that loads', () => {
    const rai = generateRai('relay.example.com:443', '/relayapi/');
    expect(parseRai(rai as string)).toMatchObject({ role: 'shared' });
  });
});

it('addresses are written as URLs want them', () => {
  expect(hostPort('::1', 1)).toBe('[::1]:1');
  expect(hostPort('[::1]', 1)).toBe('[::1]:1');
  expect(listenUrl({ ...server, host: '::1' }, 9)).toBe('http://[::1]:9/relayapi/');
});
