import { Secret } from 'relayapi-token';
import { expect, test } from 'vitest';
import { type AddressRange, parseRange } from '../address.ts';
import type { InboundRequest } from '../io.ts';
import { createIngressOptions } from './options.ts';
import { relayBaseOf } from './relay-base.ts';

const TRUSTED = [parseRange('10.0.0.0/8') as AddressRange];

function base(
  headers: readonly string[],
  more: { publicUrl?: string; peer?: string; origin?: string; place?: string } = {},
): string | null {
  const { publicUrl = null, peer = '10.1.2.3', origin, place = 'T' } = more;
  const request = {
    rawHeaders: headers,
    peerAddress: peer,
    ...(origin !== undefined && { origin }),
  } as unknown as InboundRequest;
  const options = { ...createIngressOptions(), publicUrl, trustedProxies: TRUSTED };
  const arrival =
    place === '-'
      ? { request, token: new Secret('T'), tokenPlace: 'header' as const }
      : { request, token: new Secret(place), tokenPlace: 'path' as const };
  return relayBaseOf(arrival, options);
}

test('the configured address is the relay’s, whatever the request says', () => {
  const publicUrl = 'https://relay.example.com/relayapi/';
  expect(base(['host', 'evil.example'], { publicUrl })).toBe('https://relay.example.com/relayapi/T');
  expect(base([], { publicUrl: publicUrl.slice(0, -1), place: '-' })).toBe(
    'https://relay.example.com/relayapi/-',
  );
});

test.each([
  [['host', 'relay.example:8840'], 'http://relay.example:8840/relayapi/T'],
  [['host', '[::1]:8840'], 'http://[::1]:8840/relayapi/T'],
  [['host', 'r.example', 'x-forwarded-proto', 'https'], 'https://r.example/relayapi/T'],
  [['host', 'r.example', 'x-forwarded-proto', 'https, http'], 'http://r.example/relayapi/T'],
  [
    ['host', 'r.example', 'x-forwarded-proto', 'http', 'x-forwarded-proto', 'HTTPS'],
    'https://r.example/relayapi/T',
  ],
  [['host', 'r.example', 'x-forwarded-proto', 'javascript'], 'http://r.example/relayapi/T'],
  [['host', 'a@b.example'], null],
  [['host', 'a/b'], null],
  [['host', '"'], null],
  [['host', ''], null],
  [[], null],
])('without one it is what %j says', (headers, expected) => {
  expect(base(headers)).toBe(expected);
});

test('only a trusted proxy says that the caller came by https', () => {
  const headers = ['host', 'r.example', 'x-forwarded-proto', 'https'];
  expect(base(headers, { peer: '192.0.2.1' })).toBe('http://r.example/relayapi/T');
});

test('a runtime that knows its own origin is asked first', () => {
  expect(base(['host', 'other.example'], { origin: 'https://worker.example' })).toBe(
    'https://worker.example/relayapi/T',
  );
});
