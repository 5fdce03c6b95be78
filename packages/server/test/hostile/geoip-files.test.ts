/**
 * Geoip files that are damaged, cut short, of another kind, or made to harm whoever reads them: a clear refusal or an unknown country,
 * never an exception, never a wait, never memory without bound.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isCountryCode } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../src/address.ts';
import { openCountryDatabase } from '../../src/runtime/node/country-database.ts';
import { MmdbFault, openMmdb } from '../../src/runtime/node/mmdb.ts';
import { createRandom } from '../contract/store-contract.ts';
import {
  countryRecord,
  encodeValue,
  type MmdbContent,
  writeCountries,
  writeMmdb,
} from '../support/mmdb-writer.ts';

const FIXTURES = new URL('../fixtures/maxmind-db/', import.meta.url);
const REAL = readFileSync(new URL('GeoIP2-Country-Test.mmdb', FIXTURES));
const BAD = readdirSync(new URL('bad-data/', FIXTURES)).map((name) => `bad-data/${name}`);

const ADDRESSES = [
  '81.2.69.160',
  '1.1.1.1',
  '255.255.255.255',
  '0.0.0.0',
  '2001:218::1',
  '2a02:d180::1',
  'ffff::1',
  '::',
].map((text) => parseAddress(text) as Address);

/** What a file says of the addresses; or why it is not taken. Throws only what must never be thrown. */
function use(bytes: Buffer): string | (string | null)[] {
  const database = openCountryDatabase(bytes);
  return 'problem' in database
    ? database.problem.message
    : ADDRESSES.map((address) => database.find(address));
}

function one(networks: MmdbContent['networks'], more: Partial<MmdbContent> = {}): Buffer {
  return writeMmdb({ networks, ipVersion: 4, recordBits: 24, ...more });
}

const record = { '81.2.69.160/32': countryRecord('GB') };

/** A map whose `country` is `inner`, behind as many bytes as pointers may skip. */
const pointerTo = (offset: number) => Buffer.from([0x20 | (offset >> 8), offset & 255]);
const arrayHead = (size: number) => Buffer.from([31, 4, (size >> 16) & 255, (size >> 8) & 255, size & 255]);

describe('files that are no country database', () => {
  it.each([
    ['nothing', Buffer.alloc(0), /^is empty$/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), /^is compressed$/],
    ['zip', Buffer.from('PK\x03\x04'), /^is compressed$/],
    ['text', Buffer.from('network,geoname_id\n1.0.0.0/24,2077456\n'), /no MaxMind DB metadata/],
    ['zeros', Buffer.alloc(4096), /no MaxMind DB metadata/],
    ['the marker alone', Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'), /^is no whole MaxMind DB file/],
    [
      'networks without countries',
      readFileSync(new URL('GeoLite2-ASN-Test.mmdb', FIXTURES)),
      /^holds no countries \(its type is "GeoLite2-ASN"\)$/,
    ],
    ['format 3', one(record, { metadata: { binary_format_major_version: 3 } }), /format version 2/],
    ['no IP version', one(record, { metadata: { ip_version: undefined } }), /no IP version/],
    ['IP version 5', one(record, { metadata: { ip_version: 5 } }), /no IP version/],
    ['records of 16 bits', one(record, { metadata: { record_size: 16 } }), /no record size/],
    ['no nodes', one(record, { metadata: { node_count: 0 } }), /tree is empty/],
    ['a node count in words', one(record, { metadata: { node_count: 'many' } }), /tree is empty/],
    [
      'more nodes than bytes',
      one(record, { metadata: { node_count: 4_000_000_000 } }),
      /longer than the file/,
    ],
    ['too few nodes', one(record, { metadata: { node_count: 31 } }), /does not end where it should/],
    [
      'countries that are none',
      writeCountries({ '1.0.0.0/8': 'XX', '2.0.0.0/8': 'EU', '3.0.0.0/8': 'de' }),
      /^holds no countries/,
    ],
    [
      'a country that is a number',
      one({ '1.0.0.0/8': { country: { iso_code: 49 } } }),
      /^holds no countries/,
    ],
    [
      'only where the network is registered',
      one({ '1.0.0.0/8': { registered_country: { iso_code: 'DE' } } }),
      /^holds no countries/,
    ],
  ])('%s', (_name, bytes, message) => {
    expect(use(bytes)).toMatch(message);
  });

  it('every cut of a sound file is refused', () => {
    const whole = writeCountries({ '81.2.69.0/24': 'GB', '2001:218::/32': 'JP' });
    expect(use(whole)).toEqual(['GB', null, null, null, 'JP', null, null, null]);
    for (let length = 0; length < whole.length; length++) {
      expect(typeof use(whole.subarray(0, length)), `cut at ${length}`).toBe('string');
    }
    for (let start = 1; start < whole.length; start += 7)
      expect(typeof use(whole.subarray(start))).toBe('string');
  });

  it('other makers’ records are read: a code beside or in place of the country', () => {
    const file = one({
      '81.2.69.160/32': { country_code: 'GB', country: 'United Kingdom' },
      '1.1.1.1/32': { country: 'AU' },
    });
    expect(use(file).slice(0, 3)).toEqual(['GB', 'AU', null]);
  });
});

describe('files made to harm', () => {
  it.each(BAD)('%s', (name) => {
    expect(typeof use(readFileSync(new URL(name, FIXTURES)))).toBe('string');
  });

  it.each(['MaxMind-DB-test-broken-pointers-24.mmdb', 'MaxMind-DB-test-broken-search-tree-24.mmdb'])(
    '%s',
    (name) => {
      expect(typeof use(readFileSync(new URL(name, FIXTURES)))).toBe('string');
    },
  );

  /** A list of 16 million items, the first of which is the list itself: a reader that makes room for them first needs gigabytes. */
  const endless = Buffer.concat([arrayHead(0xffffff), pointerTo(0)]);
  /** Thirty lists of two pointers to the next: a thousand million values in 180 bytes. */
  const lists = Array.from({ length: 30 }, (_, i) =>
    Buffer.concat([Buffer.from([2, 4]), pointerTo(6 * (i + 1)), pointerTo(6 * (i + 1))]),
  );
  const doubling = Buffer.concat([...lists, encodeValue('DE')]);
  /** 4,000 pointers to one text of 5,000 bytes behind them. */
  const repeated = Buffer.concat([
    Buffer.from([30, 4, (4000 - 285) >> 8, (4000 - 285) & 255]),
    ...Array.from({ length: 4000 }, () => Buffer.from([0x28, (12_004 - 2048) >> 8, (12_004 - 2048) & 255])),
    encodeValue('x'.repeat(5000)),
  ]);

  it.each<[string, Buffer, RegExp]>([
    ['a list in itself', endless, /nested too deeply/],
    ['lists that double thirty times', doubling, /too (?:many values|deeply)/],
    ['a pointer to itself', pointerTo(0), /nested too deeply/],
    ['two pointers in a circle', Buffer.concat([pointerTo(2), pointerTo(0)]), /nested too deeply/],
    ['a pointer beyond the end', pointerTo(2000), /beyond its section/],
    ['a text of 16 million bytes', Buffer.from([0x5f, 255, 255, 255, 65]), /too much text/],
    ['a list of 16 million items', arrayHead(0xffffff), /beyond its section/],
    [
      'a list of many small items',
      Buffer.concat([arrayHead(60_000), ...Array.from({ length: 130_000 }, () => Buffer.from([0, 7]))]),
      /too many values/,
    ],
    ['one long text again and again', repeated, /too much text/],
    ['a map with a number for a key', Buffer.from([0xe1, 0xa1, 7, 0xa1, 7]), /no text/],
    ['a number of nine bytes', Buffer.from([0x09, 2, ...Array<number>(9).fill(1)]), /too long/],
    ['an end marker', Buffer.from([0x00, 6]), /unknown type/],
    ['an unknown type', Buffer.from([0x00, 200]), /unknown type/],
    ['a truth of size 5', Buffer.from([0x05, 7]), /unknown type/],
  ])('%s', (_name, data, message) => {
    const bytes = one({ '81.2.69.160/32': 'x' }, { data });
    const database = openMmdb(bytes);
    expect(() => database.find(ADDRESSES[0] as Address)).toThrow(MmdbFault);
    expect(() => database.find(ADDRESSES[0] as Address)).toThrow(message);
    expect(use(bytes)).toMatch(/^is no whole MaxMind DB file/);
  });

  it('a search tree that goes in a circle', () => {
    const bytes = one({ '0.0.0.0/1': countryRecord('DE') });
    bytes.fill(0, 0, 6);
    expect(use(bytes)).toMatch(/the search tree is deeper than an address$/);
  });

  it('the same in the metadata', () => {
    const sound = one(record);
    const marker = sound.lastIndexOf(Buffer.from('MaxMind.com')) + 11;
    for (const data of [endless, doubling, pointerTo(0)]) {
      expect(use(Buffer.concat([sound.subarray(0, marker), data]))).toMatch(/^is no whole MaxMind DB file/);
    }
  });

  it('a damaged record behind sound ones makes its own callers unknown, and nobody else', () => {
    const networks = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`1.${i >> 8}.${i & 255}.0/24`, countryRecord('AU')] as const),
    );
    const bytes = writeMmdb({
      networks: { ...networks, '81.2.69.160/32': countryRecord('GB') },
      ipVersion: 4,
    });
    const database = openCountryDatabase(bytes);
    if ('problem' in database) throw new Error(database.problem.message);
    expect(database.find(ADDRESSES[0] as Address)).toBe('GB');
    // 255.255.255.255 finds nothing; the last record's head becomes an unknown type
    bytes[bytes.lastIndexOf(encodeValue(countryRecord('GB')))] = 0;
    expect(database.find(ADDRESSES[0] as Address)).toBeNull();
    expect(database.find(parseAddress('1.0.7.9') as Address)).toBe('AU');
  });
});

describe('mutations', () => {
  const random = createRandom(2718);
  const below = (most: number) => Math.floor(random() * most);

  /** A copy with some bytes changed, a stretch repeated, moved, zeroed or cut out. Half of the changes go near the metadata. */
  function mutate(source: Buffer): Buffer {
    const bytes = Buffer.from(source);
    const spot = () =>
      random() < 0.5 ? below(bytes.length) : bytes.length - 1 - below(Math.min(300, bytes.length));
    const kind = below(5);
    if (kind === 0) for (let left = 1 + below(8); left > 0; left--) bytes[spot()] = below(256);
    if (kind === 1) bytes.fill(random() < 0.5 ? 0 : 255, spot(), spot());
    if (kind === 2) bytes.copy(bytes, spot(), spot(), spot());
    if (kind === 3) bytes[spot()] = (bytes[spot()] as number) ^ (1 << below(8));
    if (kind === 4) {
      const at = spot();
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(64))]);
    }
    return bytes;
  }

  it('2,000 damaged copies give a reason, a country or none, and never anything else', () => {
    const small = writeCountries({
      '81.2.69.0/24': 'GB',
      '1.0.0.0/8': 'AU',
      '2001:218::/32': 'JP',
      '2a02::/16': 'DE',
    });
    const sources = [
      REAL,
      small,
      one({ '81.2.69.160/28': countryRecord('GB'), '0.0.0.0/2': countryRecord('US') }),
    ];
    let [refused, taken] = [0, 0];
    for (let round = 0; round < 2000; round++) {
      const result = use(mutate(sources[round % sources.length] as Buffer));
      if (typeof result === 'string') {
        refused += 1;
        expect(result).toMatch(
          /^(?:is no whole MaxMind DB file: |holds no countries|is empty|is compressed)/,
        );
      } else {
        taken += 1;
        for (const code of result) if (code !== null && !isCountryCode(code)) throw new Error(code);
      }
    }
    expect(refused).toBeGreaterThan(400);
    expect(taken).toBeGreaterThan(400);
  });
});
