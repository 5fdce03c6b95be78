// Our reader of MaxMind DB files against mmdb-lib: the same network and country for every network of a real file and of made ones,
// in all record sizes and both kinds of tree.
import { readFileSync } from 'node:fs';
import { type CountryResponse, Reader } from 'mmdb-lib';
import { describe, expect, it } from 'vitest';
import { type Address, formatAddress, parseAddress } from '../../src/address.ts';
import { openCountryDatabase } from '../../src/runtime/node/country-database.ts';
import { type Mmdb, openMmdb } from '../../src/runtime/node/mmdb.ts';
import { createRandom } from '../contract/store-contract.ts';
import { countryRecord, type MmdbValue, writeMmdb } from '../support/mmdb-writer.ts';

const REAL = readFileSync(new URL('../fixtures/maxmind-db/GeoIP2-Country-Test.mmdb', import.meta.url));
const CODES = ['DE', 'FR', 'AT', 'US', 'XK', 'JP'];

/** Every address at which a network begins, and the last address of it. */
function edges(database: Mmdb): Address[] {
  const found: Address[] = [];
  const walk = (version: 4 | 6) => {
    const bits = version === 4 ? 32 : 128;
    for (let value = 0n; value < 1n << BigInt(bits); ) {
      const { prefix } = database.find({ version, value });
      const size = 1n << BigInt(bits - prefix);
      found.push({ version, value }, { version, value: value + size - 1n });
      value += size;
    }
  };
  walk(4);
  if (database.ipVersion === 6) walk(6);
  return found;
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [name, plain(each)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

function compare(bytes: Buffer): { compared: number; known: number } {
  const ours = openMmdb(bytes);
  const database = openCountryDatabase(bytes);
  if ('problem' in database) throw new Error(database.problem.message);
  const theirs = new Reader<CountryResponse>(bytes);
  expect([ours.type, ours.ipVersion]).toEqual([theirs.metadata.databaseType, theirs.metadata.ipVersion]);
  expect(ours.builtSeconds * 1000).toBe(theirs.metadata.buildEpoch.getTime());
  const all = edges(ours);
  let known = 0;
  for (const address of all) {
    const text = formatAddress(address);
    const [record, prefix] = theirs.getWithPrefixLength(text);
    const mine = ours.find(address);
    expect([text, mine.prefix, plain(mine.record) ?? null]).toEqual([text, prefix, record]);
    expect(database.find(address), text).toBe(record?.country?.iso_code ?? null);
    if (record !== null) known += 1;
  }
  return { compared: all.length, known };
}

describe('MaxMind DB files', () => {
  it('a real one is read as mmdb-lib reads it, network by network', () => {
    const { compared, known } = compare(REAL);
    expect(compared).toBeGreaterThan(1000);
    expect(known).toBeGreaterThan(500);
  });

  it.each([
    [4, 24],
    [4, 28],
    [4, 32],
    [6, 24],
    [6, 28],
    [6, 32],
  ] as const)('made ones with a tree for IPv%i and records of %i bits are, too', (ipVersion, recordBits) => {
    const random = createRandom(ipVersion * 100 + recordBits);
    const below = (most: number) => Math.floor(random() * most);
    for (let round = 0; round < 5; round++) {
      const networks: Record<string, MmdbValue> = {};
      for (let i = 0; i < 40; i++) {
        const prefix = 1 + below(32);
        const four = `${below(224)}.${below(4)}.${below(4)}.${below(256)}/${prefix}`;
        const six = `2${below(900) + 100}:${below(16)}::${below(4)}/${4 + below(125)}`;
        const name = ipVersion === 6 && random() < 0.5 ? six : four;
        networks[name] = countryRecord(CODES[below(CODES.length)] as string);
      }
      const aliases = ipVersion === 6 ? ['2002::/16'] : [];
      const { known } = compare(
        writeMmdb({ networks, ipVersion, recordBits, aliases, type: 'Made-Country' }),
      );
      expect(known).toBeGreaterThan(20);
    }
  });

  it('an IPv6 address finds nothing in a tree for IPv4, where mmdb-lib takes its first bits for an IPv4 address', () => {
    const bytes = writeMmdb({ networks: { '32.1.13.0/24': countryRecord('DE') }, ipVersion: 4 });
    const address = parseAddress('2001:d00::1') as Address;
    expect(new Reader<CountryResponse>(bytes).get('2001:d00::1')?.country?.iso_code).toBe('DE');
    expect(openMmdb(bytes).find(address).record).toBeUndefined();
    const database = openCountryDatabase(bytes);
    expect('problem' in database ? database.problem : database.find(address)).toBeNull();
  });
});
