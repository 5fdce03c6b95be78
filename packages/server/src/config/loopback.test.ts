import { expect, it } from 'vitest';
import { isLoopbackHost } from './loopback.ts';

it.each(['localhost', 'LOCALHOST', 'app.localhost', '127.0.0.1', '127.255.255.254', '::1', '[::1]'])(
  '%s is this machine',
  (host) => expect(isLoopbackHost(host)).toBe(true),
);

it.each([
  '',
  '0.0.0.0',
  '::',
  '10.0.0.1',
  'example.com',
  'localhost.example.com',
  '127.0.0.1.example.com',
  '127.0.0.1.nip.io',
  '127.1',
  '127.0.0.256',
  '127.0.0.01',
  '2130706433',
  '0x7f.0.0.1',
  '::ffff:127.0.0.1',
  'notlocalhost',
  '.localhost',
  'localhost.',
])('%s is not taken for this machine', (host) => expect(isLoopbackHost(host)).toBe(false));
