/**
 * Countries out of a MaxMind-format file: tells whether a file is fit for it, and looks addresses up (token spec §5, `countries`).
 * Not here: the format (mmdb.ts), where the file lies and when it is read again (geoip-file.ts).
 */
import { isCountryCode } from 'relayapi-token';
import type { Address } from '../../address.ts';
import { type Mmdb, MmdbFault, openMmdb } from './mmdb.ts';

/** An open database. */
export interface CountryDatabase {
  /** What its maker calls it: `GeoLite2-Country`. */
  readonly type: string;
  /** `2026-11-17`; null when the file does not say. */
  readonly built: string | null;
  /** Code of the country that an address is in; null when the file has none for it, or a damaged record. */
  find(address: Address): string | null;
}

/** What is wrong with a file, in words for an operator. */
export interface DatabaseProblem {
  readonly message: string;
  readonly fix: string;
}

const FIX =
  'name the .mmdb file of a country database, such as GeoLite2-Country.mmdb or dbip-country-lite.mmdb';

/** Records looked at before a file is taken, and networks passed on the way. */
const SAMPLE_RECORDS = 256;
const SAMPLE_NETWORKS = 5000;

/** MaxMind and DB-IP write `country.iso_code`; IPinfo writes `country_code`, and in older files the code itself as `country`. */
function readCode(record: unknown): string | null {
  if (!(record instanceof Map)) return null;
  const country: unknown = record.get('country');
  const code: unknown =
    country instanceof Map ? country.get('iso_code') : (record.get('country_code') ?? country);
  return typeof code === 'string' && isCountryCode(code) ? code : null;
}

/** Networks one after another from an address on, as long as `visit` wants more. */
function walk(database: Mmdb, from: Address, visit: (record: unknown) => boolean): void {
  const bits = from.version === 4 ? 32 : 128;
  const end = 1n << BigInt(bits);
  for (let value = from.value; value < end; ) {
    const { record, prefix } = database.find({ version: from.version, value });
    const size = 1n << BigInt(bits - prefix);
    if (!visit(record)) return;
    value = (value / size + 1n) * size;
  }
}

/** Reads a file's first records. Throws MmdbFault when one is damaged; false when none names a country. */
function namesCountries(database: Mmdb): boolean {
  let [networks, records, countries] = [0, 0, 0];
  const visit = (record: unknown) => {
    networks += 1;
    if (record !== undefined) records += 1;
    if (readCode(record) !== null) countries += 1;
    return networks < SAMPLE_NETWORKS && records < SAMPLE_RECORDS;
  };
  walk(database, { version: 4, value: 0n }, visit);
  [networks, records] = [0, 0];
  // below 2000::/3 stand IPv4 and its copies
  if (database.ipVersion === 6) walk(database, { version: 6, value: 0x2000n << 112n }, visit);
  return countries > 0;
}

/** Opens the content of a file, or says why it will not do. */
export function openCountryDatabase(bytes: Buffer): CountryDatabase | { readonly problem: DatabaseProblem } {
  if (bytes.length === 0) return { problem: { message: 'is empty', fix: FIX } };
  if ((bytes[0] === 0x1f && bytes[1] === 0x8b) || bytes.toString('latin1', 0, 2) === 'PK') {
    return { problem: { message: 'is compressed', fix: 'unpack it and name the .mmdb file inside' } };
  }
  try {
    const database = openMmdb(bytes);
    if (namesCountries(database)) return createDatabase(database);
    const type = JSON.stringify(database.type.slice(0, 64));
    return { problem: { message: `holds no countries (its type is ${type})`, fix: FIX } };
  } catch (error) {
    if (!(error instanceof MmdbFault)) throw error;
    return { problem: { message: `is no whole MaxMind DB file: ${error.message}`, fix: FIX } };
  }
}

function createDatabase(database: Mmdb): CountryDatabase {
  const built = new Date(database.builtSeconds * 1000);
  const known = database.builtSeconds > 0 && !Number.isNaN(built.getTime());
  return {
    type: database.type,
    built: known ? built.toISOString().slice(0, 10) : null,
    find(address) {
      try {
        return readCode(database.find(address).record);
      } catch (error) {
        // a damaged record is no country: whoever calls is refused, and nobody else is
        if (error instanceof MmdbFault) return null;
        throw error;
      }
    },
  };
}
