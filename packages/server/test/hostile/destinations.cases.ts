/** Places that a token or a provider entry must never lead the relay to, and how each may be written (behaviour spec §5). */

/** An address as text, the kind of place it is, and other spellings that some resolver or URL parser reads as the same. */
export interface HostileAddress {
  readonly address: string;
  readonly kind: string;
}

const of = (kind: string, ...addresses: string[]): HostileAddress[] =>
  addresses.map((address) => ({ address, kind }));

/** Addresses as they stand in a URL (IPv6 without brackets). */
export const HOSTILE_ADDRESSES: readonly HostileAddress[] = [
  ...of('loopback', '127.0.0.1', '127.0.0.2', '127.255.255.254', '::1', '0.0.0.0', '0.1.2.3', '::'),
  ...of(
    'private',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.254',
    '192.168.0.1',
    '192.168.255.254',
  ),
  ...of('private', 'fc00::1', 'fd00::1', 'fd12:3456:789a::1', 'fec0::1'),
  ...of('link-local', '169.254.0.1', 'fe80::1', 'febf::1'),
  ...of(
    'cloud metadata',
    '169.254.169.254',
    '169.254.170.2',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
  ),
  ...of('carrier NAT', '100.64.0.1', '100.127.255.254'),
  ...of('protocol', '192.0.0.1', '192.88.99.1', '192.31.196.1', '192.52.193.1', '192.175.48.1'),
  ...of('documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'),
  ...of('benchmark', '198.18.0.1', '198.19.255.254', '2001:2::1'),
  ...of('multicast', '224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'),
  ...of('reserved', '240.0.0.1', '255.255.255.255', '4000::1', '5f00::1', '100::1'),
  ...of('mapped', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::ffff:8.8.8.8'),
  ...of(
    'embedded',
    '::127.0.0.1',
    '::8.8.8.8',
    '::ffff:0:127.0.0.1',
    '2a00:1450::5efe:7f00:1',
    '2a00::200:5efe:a00:1',
  ),
  ...of('NAT64', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::808:808', '64:ff9b:1::1'),
  ...of('6to4', '2002:7f00:1::1', '2002:a9fe:a9fe::', '2002:808:808::1'),
  ...of('Teredo', '2001:0:7f00:1::', '2001:0:4136:e378:8000:63bf:3fff:fdd2'),
  ...of('ORCHID', '2001:10::1', '2001:20::1'),
];

/** Hosts that only look like names or like other addresses; WHATWG URLs turn most of them into plain IPv4. */
export const SPELLINGS: readonly string[] = [
  '127.1',
  '127.0.1',
  '0x7f.0.0.1',
  '0x7f.1',
  '0x7f000001',
  '0177.0.0.1',
  '017700000001',
  '2130706433',
  '127.0.0.1.',
  '127。0。0。1',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  '0xa9.0xfe.0xa9.0xfe',
  '2852039166',
  '0',
  '0.0',
  '0x0',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:0001]',
  '[::FFFF:127.0.0.1]',
  '[0000::1]',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'ip6-localhost',
];

/** What a `base` must not be, apart from its host; `HOST` stands for one that the key file lists. */
export const CROOKED_BASES: readonly string[] = [
  'http://HOST/v1',
  'ftp://HOST/v1',
  'ws://HOST/v1',
  'file:///etc/hostname',
  'data:,x',
  '//HOST/v1',
  'HOST/v1',
  'https:HOST/v1',
  'https:/HOST/v1',
  'https:\\\\HOST\\v1',
  'https://user@HOST/v1',
  'https://user:pass@HOST/v1',
  'https://HOST@127.0.0.1/v1',
  'https://HOST%40127.0.0.1/v1',
  'https://127.0.0.1#@HOST/v1',
  'https://127.0.0.1?@HOST/v1',
  'https://127.0.0.1\\@HOST/v1',
  'https://HOST.evil.example/v1',
  'https://evil.example/HOST/v1',
  'https://HOST:8443/v1',
  'https://HOST:443@127.0.0.1/v1',
  'https://HOST/v1?x=1',
  'https://HOST/v1#x',
  'https://HOST/../v1',
  'https://HOST/%2e%2e/v1',
  'https://HOST/a//b',
  'https://HOST\t/v1',
  'https://HOST\r\nX: y/v1',
  ' https://HOST/v1',
  'https://[HOST]/v1',
  'https://HOST,127.0.0.1/v1',
  'https://*.example.com/v1',
];
