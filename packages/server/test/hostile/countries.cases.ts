/**
 * Callers who want to pass for somebody from elsewhere, row by row, with what must come of it. The peer is always 127.0.0.1.
 * Addresses are those of documentation (RFC 5737, RFC 3849); the forms of embedded IPv4 are RFC 3056, 4380, 4291 and 6052.
 */

/** Config of the relay that a row meets. */
export const SETUPS = {
  header: { country_header: 'CF-IPCountry', trusted_proxies: ['127.0.0.1', '10.0.0.0/8'] },
  'header, proxy elsewhere': { country_header: 'CF-IPCountry', trusted_proxies: ['10.0.0.0/8'] },
  'header, no proxy': { country_header: 'CF-IPCountry', trusted_proxies: [] },
  file: { geoip_file: 'countries.mmdb', trusted_proxies: ['127.0.0.1', '10.0.0.0/8'] },
  'file, no proxy': { geoip_file: 'countries.mmdb', trusted_proxies: [] },
  both: {
    country_header: 'CF-IPCountry',
    geoip_file: 'countries.mmdb',
    trusted_proxies: ['127.0.0.1', '10.0.0.0/8'],
  },
  'both, no proxy': { country_header: 'CF-IPCountry', geoip_file: 'countries.mmdb', trusted_proxies: [] },
  neither: { trusted_proxies: ['127.0.0.1'] },
} as const;

/** What the operator's file says. */
export const COUNTRIES: Readonly<Record<string, string>> = {
  '203.0.113.0/24': 'DE',
  '198.51.100.0/24': 'FR',
  '172.16.0.0/12': 'AT',
  '127.0.0.0/8': 'CH',
  '192.0.2.0/25': 'EU',
  '192.0.2.128/25': 'XX',
  '2001:db8:1::/48': 'DE',
  '2001:db8:2::/48': 'FR',
};

/** Networks that the file, like MaxMind's own, answers with the IPv4 address inside. */
export const ALIASES = ['2001::/32', '2002::/16', '64:ff9b::/96'];

const PASS = 'passes';
const DENIED = '403 ip_denied';
const UNSUPPORTED = '400 token_unsupported';

/** Header lines by name; a list stands for several lines. */
export type Lines = Readonly<Record<string, string | readonly string[]>>;
type Row = readonly [
  setup: keyof typeof SETUPS,
  what: string,
  lines: Lines,
  expected: string,
  more?: { readonly countries?: readonly string[]; readonly ips?: readonly string[] },
];

const cf = (value: string | readonly string[]): Lines => ({ 'cf-ipcountry': value });
const from = (chain: string | readonly string[], more: Lines = {}): Lines => ({
  'x-forwarded-for': chain,
  ...more,
});

/** Tokens allow DE alone unless a row says otherwise. */
export const CASES: readonly Row[] = [
  ['header', 'the country that is allowed', cf('DE'), PASS],
  ['header', 'another country', cf('FR'), DENIED],
  ['header', 'one of several', cf('AT'), PASS, { countries: ['DE', 'AT', 'XK'] }],
  ['header', 'Kosovo', cf('XK'), PASS, { countries: ['DE', 'AT', 'XK'] }],
  ['header', 'none of several', cf('CH'), DENIED, { countries: ['DE', 'AT', 'XK'] }],
  ['header', 'lower case', cf('de'), PASS],
  ['header', 'mixed case', cf('dE'), PASS],
  ['header', 'spaces and tabs around', cf(' \tDE \t'), PASS],
  ['header', 'no header', {}, DENIED],
  ['header', 'an empty header', cf(''), DENIED],
  ['header', 'blanks alone', cf('  '), DENIED],
  ['header', 'XX, the network’s word for unknown', cf('XX'), DENIED],
  ['header', 'T1, its word for Tor', cf('T1'), DENIED],
  ['header', 'ZZ', cf('ZZ'), DENIED],
  ['header', 'EU', cf('EU'), DENIED],
  ['header', 'UK', cf('UK'), DENIED, { countries: ['GB'] }],
  ['header', 'three letters', cf('DEU'), DENIED],
  ['header', 'one letter', cf('D'), DENIED],
  ['header', 'a name', cf('Germany'), DENIED],
  ['header', 'a quoted code', cf('"DE"'), DENIED],
  ['header', 'a code with a region', cf('DE-BY'), DENIED],
  ['header', 'a code with a semicolon', cf('DE;q=1'), DENIED],
  ['header', 'sharp s, which is SS in capitals', cf('\u00df'), DENIED, { countries: ['SS'] }],
  ['header', 'the caller’s own line before the proxy’s', cf(['DE', 'FR']), DENIED],
  ['header', 'the caller’s own line behind the proxy’s', cf(['FR', 'DE']), DENIED],
  ['header', 'the same code in two lines', cf(['DE', 'DE']), DENIED],
  ['header', 'an empty line beside the code', cf(['', 'DE']), DENIED],
  ['header', 'a list in one line', cf('DE, FR'), DENIED],
  ['header', 'a list with the proxy’s behind', cf('FR,DE'), DENIED],
  ['header', 'a list of one', cf('DE,'), DENIED],
  ['header', 'another network’s header', { 'x-vercel-ip-country': 'DE' }, DENIED],
  ['header', 'the header under a like name', { cf_ipcountry: 'DE', 'cf-ip-country': 'DE' }, DENIED],
  ['header', 'the code in Forwarded', { forwarded: 'for=203.0.113.5;country=DE' }, DENIED],
  ['header', 'over two trusted proxies', from('203.0.113.5, 10.0.0.7', cf('DE')), PASS],
  ['header', 'a forwarded address from DE beside FR', from('203.0.113.5', cf('FR')), DENIED],

  ['header, proxy elsewhere', 'the header from an untrusted peer', cf('DE'), DENIED],
  ['header, proxy elsewhere', 'with a chain of trusted addresses', from('10.0.0.7', cf('DE')), DENIED],
  ['header, no proxy', 'the caller names its country itself', cf('DE'), DENIED],
  ['header, no proxy', 'the caller claims to be a proxy', from('127.0.0.1', cf('DE')), DENIED],

  ['file', 'an IPv4 address of the country', from('203.0.113.5'), PASS],
  ['file', 'an IPv4 address of another', from('198.51.100.5'), DENIED],
  ['file', 'an address that is not in the file', from('100.64.1.1'), DENIED],
  ['file', 'a country that is none: EU', from('192.0.2.1'), DENIED],
  ['file', 'a country that is none: XX', from('192.0.2.200'), DENIED],
  ['file', 'a private address that the file knows', from('172.16.5.5'), PASS, { countries: ['AT'] }],
  ['file', 'a private address that it does not know', from('192.168.1.1'), DENIED],
  ['file', 'the proxy’s own address, for want of another', {}, PASS, { countries: ['CH'] }],
  ['file', 'the proxy’s own address is not the caller’s', {}, DENIED],
  ['file', 'an IPv6 address of the country', from('2001:db8:1::5'), PASS],
  ['file', 'an IPv6 address of another', from('2001:db8:2::5'), DENIED],
  ['file', 'IPv6 in brackets with a port', from('[2001:db8:1::5]:4711'), PASS],
  ['file', 'IPv4 mapped into IPv6', from('::ffff:203.0.113.5'), PASS],
  ['file', 'IPv4 mapped, in hexadecimal', from('::ffff:cb00:7105'), PASS],
  ['file', 'IPv4 mapped, of another country', from('::ffff:198.51.100.5'), DENIED],
  ['file', 'IPv4-compatible IPv6', from('::203.0.113.5'), DENIED],
  ['file', '6to4 with an address of the country', from('2002:cb00:7105::1'), DENIED],
  ['file', 'Teredo over a server in the country', from('2001:0:cb00:7105::1'), DENIED],
  ['file', 'NAT64', from('64:ff9b::cb00:7105'), DENIED],
  ['file', 'NAT64 with a local prefix', from('64:ff9b:1::cb00:7105'), DENIED],
  ['file', 'the caller’s entry left of its own address', from('203.0.113.5, 198.51.100.5'), DENIED],
  ['file', 'the same in two lines', from(['203.0.113.5', '198.51.100.5']), DENIED],
  [
    'file',
    'the caller’s entry behind a trusted-looking one',
    from('203.0.113.5, 10.0.0.7, 198.51.100.5'),
    DENIED,
  ],
  ['file', 'over two trusted proxies', from('203.0.113.5, 10.0.0.7'), PASS],
  ['file', 'a malformed entry ends the walk', from('203.0.113.5, x, 10.0.0.7'), DENIED],
  ['file', 'an octal spelling', from('0313.0.113.5'), DENIED],
  ['file', 'a short spelling', from('203.113.5'), DENIED],
  [
    'file',
    'X-Real-IP and Forwarded are not read',
    { 'x-real-ip': '203.0.113.5', forwarded: 'for=203.0.113.5' },
    DENIED,
  ],
  ['file', 'a country header that nobody configured', from('198.51.100.5', cf('DE')), DENIED],
  ['file, no proxy', 'a forwarded address from an untrusted peer', from('203.0.113.5'), DENIED],
  ['file, no proxy', 'the peer’s own address', from('203.0.113.5'), PASS, { countries: ['CH'] }],

  ['both', 'both agree', from('203.0.113.5', cf('DE')), PASS],
  ['both', 'the header says otherwise', from('203.0.113.5', cf('FR')), DENIED],
  ['both', 'the file says otherwise', from('198.51.100.5', cf('DE')), DENIED],
  [
    'both',
    'they differ and both are allowed',
    from('198.51.100.5', cf('DE')),
    PASS,
    { countries: ['DE', 'FR'] },
  ],
  ['both', 'no header: the file decides', from('203.0.113.5'), PASS],
  ['both', 'no header: the file refuses', from('198.51.100.5'), DENIED],
  ['both', 'the file does not know: the header decides', from('100.64.1.1', cf('DE')), PASS],
  ['both', 'the file does not know: the header refuses', from('100.64.1.1', cf('FR')), DENIED],
  ['both', 'the proxy says unknown: the file does not overrule it', from('203.0.113.5', cf('XX')), DENIED],
  ['both', 'the proxy says Tor', from('203.0.113.5', cf('T1')), DENIED],
  ['both', 'two lines of the header', from('203.0.113.5', cf(['DE', 'DE'])), DENIED],
  ['both', 'neither knows', from('100.64.1.1'), DENIED],
  ['both', 'a 6to4 address with the header', from('2002:c633:6405::1', cf('DE')), PASS],
  ['both, no proxy', 'the caller’s header does not count', cf('DE'), DENIED],
  ['both, no proxy', 'and does no harm', cf('DE'), PASS, { countries: ['CH'] }],

  ['header', 'address and country right', from('203.0.113.5', cf('DE')), PASS, { ips: ['203.0.113.0/24'] }],
  [
    'header',
    'address wrong, country right',
    from('198.51.100.5', cf('DE')),
    DENIED,
    { ips: ['203.0.113.0/24'] },
  ],
  [
    'header',
    'address right, country wrong',
    from('203.0.113.5', cf('FR')),
    DENIED,
    { ips: ['203.0.113.0/24'] },
  ],
  ['file', 'address and country right', from('203.0.113.5'), PASS, { ips: ['203.0.113.5'] }],
  ['file', 'address of the list, country wrong', from('198.51.100.5'), DENIED, { ips: ['198.51.100.5'] }],

  ['neither', 'a relay that knows no countries', {}, UNSUPPORTED],
  ['neither', 'whatever the headers say', from('203.0.113.5', cf('DE')), UNSUPPORTED],
];
