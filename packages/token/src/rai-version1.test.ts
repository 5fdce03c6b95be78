/** Version 1's server part as a relay URL, and what tells such a file from others. */
import { describe, expect, test } from 'vitest';
import type { Problem } from './errors.ts';
import type { JsonObject } from './rai-problems.ts';
import { isVersion1, readVersion1Relay } from './rai-version1.ts';

function relayOf(server: JsonObject | undefined): string | null {
  const problems: Problem[] = [];
  const url = readVersion1Relay(server === undefined ? {} : { server }, { problems, path: '$' });
  expect(url === null).toBe(problems.length > 0);
  return url;
}

describe('A12 the relay of a version 1 file', () => {
  test.each<[JsonObject | undefined, string]>([
    [undefined, 'http://127.0.0.1:8840/relayapi/'],
    [{}, 'http://127.0.0.1:8840/relayapi/'],
    [{ port: 9000 }, 'http://127.0.0.1:9000/relayapi/'],
    [{ host: 'relay.example.com' }, 'https://relay.example.com/relayapi/'],
    [{ host: 'relay.example.com', port: 8443 }, 'https://relay.example.com:8443/relayapi/'],
    [{ host: 'relay.example.com:8443' }, 'https://relay.example.com:8443/relayapi/'],
    [{ host: 'localhost' }, 'http://localhost/relayapi/'],
    [{ host: 'localhost:8840' }, 'http://localhost:8840/relayapi/'],
    [{ host: 'localhost.example.com' }, 'https://localhost.example.com/relayapi/'],
    [{ host: 'my-localhost' }, 'https://my-localhost/relayapi/'],
    [{ host: '127.10.200.3' }, 'http://127.10.200.3/relayapi/'],
    [{ host: '127.0.0.1.example.com' }, 'https://127.0.0.1.example.com/relayapi/'],
    [{ host: '[::1]', port: 1 }, 'http://[::1]:1/relayapi/'],
    [{ host: '0.0.0.0', port: 65_535 }, 'http://127.0.0.1:65535/relayapi/'],
    [{ host: 'http://relay.example.com' }, 'http://relay.example.com/relayapi/'],
    [{ host: 'https://localhost' }, 'https://localhost/relayapi/'],
    [{ base_path: '' }, 'http://127.0.0.1:8840/'],
    [{ base_path: '/' }, 'http://127.0.0.1:8840/'],
    [{ base_path: 'a/b' }, 'http://127.0.0.1:8840/a/b/'],
    [{ base_path: '//a/b//' }, 'http://127.0.0.1:8840/a/b/'],
  ])('%j is %s', (server, url) => {
    expect(relayOf(server)).toBe(url);
  });

  test.each<[JsonObject]>([
    [{ port: 0 }],
    [{ port: 65_536 }],
    [{ port: 80.5 }],
    [{ port: '80' }],
    [{ host: '' }],
    [{ host: 'a b' }],
    [{ host: 'relay.example.com?x' }],
    [{ host: 'relay.example.com#x' }],
    [{ host: 'user@relay.example.com' }],
    [{ base_path: '/a?b' }],
    [{ base_path: '/a#b' }],
  ])('%j is none', (server) => {
    expect(relayOf(server)).toBeNull();
  });
});

test.each<[JsonObject, boolean]>([
  [{ crypto: {} }, true],
  [{ crypto: null }, true],
  [{ rai: 2, crypto: {} }, false],
  [{ rai: null, crypto: {} }, false],
  [{}, false],
  [{ server: {} }, false],
])('%j is a version 1 file: %s', (value, is) => {
  expect(isVersion1(value)).toBe(is);
});
