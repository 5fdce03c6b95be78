/**
 * The operator's geoip file: read at the start, read again when it changes, the last good state kept meanwhile.
 * Its mode does not matter: nothing in it is secret. Not here: what stands in it (country-database.ts).
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Address } from '../../address.ts';
import type { ConfigProblem } from '../../config/problems.ts';
import type { CountryLookup } from '../../policy/country-lookup.ts';
import { redact } from '../../redact.ts';
import { type CountryDatabase, type DatabaseProblem, openCountryDatabase } from './country-database.ts';
import { explainSystemError } from './secret-files.ts';

/** How often the file is looked at, in milliseconds. A change is taken when two looks agree on it, so that a file half copied is not judged. */
const POLL_MS = 1000;
/** Largest file that is read; the largest in trade have some 400 MiB. */
const MAX_BYTES = 1024 * 1024 * 1024;

/** Who is told of a change. */
export interface GeoipWatchOptions {
  readonly onTaken: (database: CountryDatabase) => void;
  /** The newest state will not do; the last good one stays in use. Told once for each state. */
  readonly onRejected: (problem: DatabaseProblem) => void;
}

/** The file in use. */
export interface GeoipFile extends CountryLookup {
  readonly path: string;
  /** Content of the file as it is in use. */
  readonly bytes: Buffer;
  /** What is in use now. */
  readonly database: CountryDatabase;
  /** Looks whether the file changed and, unlike the clock, takes it at once. Never rejects. */
  lookNow(): Promise<void>;
  /** Starts to look by the clock. */
  watch(options: GeoipWatchOptions): void;
  stop(): void;
}

/** How to read. */
export interface GeoipReadOptions {
  /** Reads into memory that threads can share. Default false. */
  readonly shared?: boolean;
}

type Read =
  | { readonly database: CountryDatabase; readonly bytes: Buffer; readonly signature: string }
  | ReadFault;
interface ReadFault {
  readonly problem: DatabaseProblem;
  readonly signature: string;
}

function signatureOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function explain(error: unknown): DatabaseProblem {
  const { message, fix } = explainSystemError(error);
  // unlike a key, it may be readable by all
  return { message, fix: fix.replace('give the file to that user, mode 0600', 'let that user read it') };
}

/** The rest of an open file; one that grows meanwhile is cut at `size`, and judged anew once it has come to rest. */
function readShared(descriptor: number, size: number): Buffer {
  const bytes = Buffer.from(new SharedArrayBuffer(size));
  let length = 0;
  while (length < size) {
    const read = readSync(descriptor, bytes, length, size - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

function readDatabase(path: string, { shared = false }: GeoipReadOptions): Read {
  let descriptor: number;
  try {
    // non-blocking, or opening a named pipe would wait for its writer
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return { problem: explain(error), signature: '' };
  }
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    const signature = signatureOf(stats);
    if (!stats.isFile()) {
      return { problem: { message: 'is no regular file', fix: 'name a file' }, signature };
    }
    if (stats.size > BigInt(MAX_BYTES)) {
      return { problem: { message: 'is larger than 1 GiB', fix: 'name a country database' }, signature };
    }
    const bytes = shared ? readShared(descriptor, Number(stats.size)) : readFileSync(descriptor);
    const opened = openCountryDatabase(bytes);
    return 'problem' in opened ? { ...opened, signature } : { database: opened, bytes, signature };
  } catch (error) {
    return { problem: explain(error), signature: '' };
  } finally {
    closeSync(descriptor);
  }
}

/** Opens the file that `server.geoip_file` names. `configName` stands in the problem. */
export function openGeoipFile(
  path: string,
  configName: string,
  options: GeoipReadOptions = {},
): GeoipFile | { problem: ConfigProblem } {
  const first = readDatabase(path, options);
  if ('problem' in first) {
    const { message, fix } = first.problem;
    const problem = { source: configName, path: '$.server.geoip_file', fix };
    return { problem: { ...problem, message: `names ${redact(path)}, which ${whichIs(message)}` } };
  }
  return createGeoipFile(path, first, options);
}

/** `there is no such file` does not go on from "which". */
function whichIs(message: string): string {
  return message === 'there is no such file' ? 'is not there' : message;
}

function createGeoipFile(
  path: string,
  first: Exclude<Read, ReadFault>,
  options: GeoipReadOptions,
): GeoipFile {
  let { database, bytes, signature: judged } = first;
  let seen = judged;
  let told: GeoipWatchOptions | null = null;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();

  async function look(atOnce: boolean): Promise<void> {
    const signature = await stat(path, { bigint: true }).then(signatureOf, () => '');
    const settled = atOnce || signature === seen;
    seen = signature;
    if (signature === judged || !settled) return;
    const read = readDatabase(path, options);
    judged = read.signature;
    if ('problem' in read) {
      told?.onRejected(read.problem);
      return;
    }
    ({ database, bytes } = read);
    told?.onTaken(database);
  }

  function lookAfterOthers(atOnce: boolean): Promise<void> {
    running = running.then(() => look(atOnce));
    return running;
  }

  return {
    path,
    get database() {
      return database;
    },
    get bytes() {
      return bytes;
    },
    find: (address: Address) => database.find(address),
    lookNow: () => lookAfterOthers(true),
    watch(options) {
      told = options;
      timer = setInterval(() => void lookAfterOthers(false), POLL_MS);
      timer.unref();
    },
    stop() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
