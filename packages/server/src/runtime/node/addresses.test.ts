import { describe, expect, test } from 'vitest';
import { classifyAddress, createAddressGuard } from './addresses.ts';

const HOSTILE = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
  ...[
    '127.0.0.1',
    '127.1.2.3',
    '127.255.255.255',
    '168.63.129.16',
    '169.254.0.1',
    '169.254.169.254',
    '169.254.170.2',
  ],
  ...[
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.0.192',
    '192.0.2.1',
    '192.31.196.1',
    '192.52.193.1',
  ],
  ...[
    '192.88.99.1',
    '192.168.0.1',
    '192.175.48.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
  ],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::127.0.0.1', '::7f00:1', '::10.0.0.1', '::8.8.8.8', '0:0:0:0:0:0:0:1'],
  ...[
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:8.8.8.8',
    '::FFFF:10.0.0.1',
    '::ffff:0:127.0.0.1',
    '::ffff:0:8.8.8.8',
  ],
  ...[
    '64:ff9b::127.0.0.1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '64:ff9b:1:ffff::a00:1',
    '100::1',
    '100:0:0:1::1',
  ],
  ...[
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2001:2::1',
    '2001:3::1',
    '2001:4:112::1',
    '2001:10::1',
  ],
  ...[
    '2001:20::1',
    '2001:30::1',
    '2001:1ff::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '2002:808:808::1',
    '2620:4f:8000::1',
  ],
  ...[
    '3fff::1',
    '3fff:fff::1',
    '5f00::1',
    '4000::1',
    '8000::1',
    'fc00::1',
    'fd00:ec2::254',
    'fdff::1',
    'fe80::1',
  ],
  ...[
    'fe80::1%lo',
    'febf::1',
    'fec0::1',
    'ff02::1',
    'ff0e::1',
    '2a00:1450::5efe:7f00:1',
    '2a00::200:5efe:a00:1',
  ],
  ...['127.1', '0177.0.0.1', '0x7f.0.0.1', '2130706433', 'localhost', '', '8.8.8.8.', '[::1]', '8.8.8.8/8'],
]; // prettier-ignore

const PUBLIC = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255'],
  ...[
    '128.0.0.1',
    '168.63.129.15',
    '168.63.129.17',
    '169.253.255.255',
    '169.255.0.1',
    '172.15.255.255',
    '172.32.0.1',
  ],
  ...['192.167.255.255', '192.169.0.1', '198.17.255.255', '198.20.0.1', '223.255.255.255'],
  ...[
    '2606:4700:4700::1111',
    '2a00:1450:4001:80b::200a',
    '2001:4860:4860::8888',
    '2003::1',
    '2600::1',
    '3ffe::1',
  ],
];

test('A18 there are over a hundred addresses that the guard is tried on', () => {
  expect(HOSTILE.length + PUBLIC.length).toBeGreaterThan(100);
});

describe('A18 only public unicast may be dialled', () => {
  const guard = createAddressGuard();
  test.each(HOSTILE)('%s is refused', (address) => {
    expect(guard.refuse(address, 443, false)).not.toBeNull();
    expect(classifyAddress(address)).not.toBe('public');
  });
  test.each(PUBLIC)('%s may be', (address) => {
    expect(guard.refuse(address, 443, false)).toBeNull();
  });
});

test('the list for net.connect matches public addresses as little as the guard does', () => {
  const list = createAddressGuard().blockList(false);
  for (const address of PUBLIC) {
    expect(list?.check(address, address.includes(':') ? 'ipv6' : 'ipv4')).toBe(false);
  }
  expect(list?.check('127.0.0.1')).toBe(true);
  expect(list?.check('::ffff:127.0.0.1', 'ipv6')).toBe(true);
  expect(createAddressGuard().blockList(true)).toBeNull();
});

describe('a destination that config lists', () => {
  const ownListeners = () => [
    { address: '127.0.0.1', port: 8840 },
    { address: '::', port: 8841 },
  ];
  const guard = createAddressGuard({ ownListeners, localAddresses: () => ['192.0.2.7', 'fe80::2%eth0'] });

  test('may be private', () => {
    expect(guard.refuse('127.0.0.1', 11_434, true)).toBeNull();
    expect(guard.refuse('10.0.0.1', 8840, true)).toBeNull();
    expect(guard.refuse('::1', 8840, true)).toBeNull();
    expect(guard.refuse('fe80::1%eth0', 80, true)).toBe('malformed');
    expect(guard.refuse('not an address', 80, true)).toBe('malformed');
  });

  test.each([
    ['127.0.0.1', 8840],
    ['::ffff:127.0.0.1', 8840],
    ['::ffff:7f00:1', 8840],
    ['0.0.0.0', 8840],
    ['::', 8840],
    ['127.0.0.1', 8841],
    ['127.9.9.9', 8841],
    ['::1', 8841],
    ['192.0.2.7', 8841],
    ['::ffff:192.0.2.7', 8841],
    ['fe80::2', 8841],
  ])('may not be the relay itself: %s port %i', (address, port) => {
    expect(guard.refuse(address, port, true)).toBe('own-listener');
    expect(guard.refuse(address, port, false)).not.toBeNull();
  });

  test('a listener on all addresses is found on this machine’s own interfaces', () => {
    const real = createAddressGuard({ ownListeners: () => [{ address: '0.0.0.0', port: 80 }] });
    expect(real.refuse('127.0.0.1', 80, true)).toBe('own-listener');
    expect(real.refuse('10.99.99.99', 80, true)).toBeNull();
  });
});
