/**
 * The `.rai` files of a relay: one file or a folder, read with their modes checked, and read again when they change (token spec §7).
 * Each file stands for itself: a bad one keeps its last good state and never holds up another.
 */
import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createKeyring, type Problem, parseRai, RaiError, type RaiFile } from 'relayapi-token';
import { explainSystemError, readSecretFile } from './secret-files.ts';

/** A file that is in use. */
export interface LoadedRai {
  /** Name within the folder, or the file's own. */
  readonly name: string;
  readonly file: RaiFile;
}

/** A file that is not in use, or whose newest state is not. */
export interface RejectedRai {
  readonly name: string;
  readonly problems: readonly Problem[];
  /** True when an older state of the file still holds. */
  readonly keepsOld: boolean;
  /** True when the file was good by itself and only clashes with another that is loaded. */
  readonly clash: boolean;
}

/** All files at one moment. */
export interface RaiSet {
  readonly files: readonly LoadedRai[];
  readonly rejected: readonly RejectedRai[];
}

/** What came of looking again. */
export interface RaiLook extends RaiSet {
  /** True when `files` differ from the last look. */
  readonly changed: boolean;
  /** Rejections that were not there at the last look. */
  readonly newlyRejected: readonly RejectedRai[];
}

/** How to read. */
export interface RaiFilesOptions {
  /** A file, or a folder whose `*.rai` files are read. */
  readonly path: string;
  readonly groupRead: boolean;
  /** Says why a well-formed file may not serve here; null when it may. */
  readonly judge: (file: RaiFile) => Problem | null;
}

/** Reads the files anew each time it is asked. */
export interface RaiFiles {
  /** Looks at names and times, reads what changed. Never throws. Calls wait for one another. */
  look(): Promise<RaiLook>;
  /** True when the path is a folder; known after the first look. */
  readonly folder: boolean;
}

interface Entry {
  /** Changes when the file does. */
  signature: string;
  /** The newest state, when it is good by itself. */
  parsed: RaiFile | null;
  /** What is wrong with the newest state by itself. */
  faults: readonly Problem[];
  /** Why the newest state cannot stand beside the others. */
  clashes: readonly Problem[];
  /** The state in use. */
  accepted: RaiFile | null;
}

/** A file that changed within this time may still be written to: what is wrong with it is judged at the next look. */
const SETTLING_MS = 250;

/** Makes the reader; it reads nothing yet. */
export function createRaiFiles(options: RaiFilesOptions): RaiFiles {
  const entries = new Map<string, Entry>();
  const state = { folder: false, first: true, reported: new Map<string, string>() };
  let running: Promise<unknown> = Promise.resolve();

  async function look(): Promise<RaiLook> {
    const before = inUse(entries);
    const paths = await findPaths(options.path, (folder) => {
      state.folder = folder;
    });
    let dirty = false;
    if (paths instanceof Map) {
      for (const name of [...entries.keys()]) if (!paths.has(name)) dirty = entries.delete(name);
      for (const [name, path] of paths) {
        if (await refresh(entries, name, path, options, state.first)) dirty = true;
      }
    } else {
      loseAll(entries, basename(options.path), paths);
    }
    if (dirty) await settle(entries);
    state.first = false;
    return report(before);
  }

  function report(before: ReadonlyMap<string, RaiFile>): RaiLook {
    const after = inUse(entries);
    const changed =
      after.size !== before.size || [...after].some(([name, file]) => before.get(name) !== file);
    const rejected = [...entries].flatMap(([name, { faults, clashes, accepted }]) => {
      const problems = faults.length > 0 ? faults : clashes;
      if (problems.length === 0) return [];
      return [{ name, problems, keepsOld: accepted !== null, clash: faults.length === 0 }];
    });
    const reported = new Map(rejected.map((each) => [each.name, JSON.stringify(each.problems)]));
    const newlyRejected = rejected.filter(({ name }) => state.reported.get(name) !== reported.get(name));
    state.reported = reported;
    return { files: [...after].map(([name, file]) => ({ name, file })), rejected, changed, newlyRejected };
  }

  return {
    get folder() {
      return state.folder;
    },
    look() {
      const next = running.then(look);
      running = next.catch(() => {});
      return next;
    },
  };
}

async function findPaths(
  path: string,
  tell: (folder: boolean) => void,
): Promise<Map<string, string> | Problem> {
  try {
    const folder = (await stat(path)).isDirectory();
    tell(folder);
    if (!folder) return new Map([[basename(path), path]]);
    const names = (await readdir(path)).filter((name) => /^[^.].*\.rai$/.test(name)).sort();
    return new Map(names.map((name) => [name, join(path, name)]));
  } catch (error) {
    return { path: '$', ...explainSystemError(error) };
  }
}

/** The folder, or the one file, is gone: what is loaded stays until there is something to load instead. */
function loseAll(entries: Map<string, Entry>, name: string, problem: Problem): void {
  const names = entries.size > 0 ? [...entries.keys()] : [name];
  for (const each of names) {
    const accepted = entries.get(each)?.accepted ?? null;
    entries.set(each, { signature: 'gone', parsed: null, faults: [problem], clashes: [], accepted });
  }
}

function inUse(entries: ReadonlyMap<string, Entry>): Map<string, RaiFile> {
  const files = new Map<string, RaiFile>();
  for (const [name, { accepted }] of entries) if (accepted !== null) files.set(name, accepted);
  return files;
}

function signatureOf(stats: BigIntStats): string {
  return [stats.dev, stats.ino, stats.size, stats.mode, stats.uid, stats.mtimeNs, stats.ctimeNs].join(':');
}

/** Reads a file if it changed since the last look; true when it did. */
async function refresh(
  entries: Map<string, Entry>,
  name: string,
  path: string,
  options: RaiFilesOptions,
  first: boolean,
): Promise<boolean> {
  const known = entries.get(name);
  const accepted = known?.accepted ?? null;
  const stats = await stat(path, { bigint: true }).catch(() => null);
  const signature = stats === null ? 'missing' : signatureOf(stats);
  if (known?.signature === signature) return false;
  const { parsed, faults } = readRai(path, options);
  const fresh = stats !== null && Math.abs(Date.now() - Number(stats.mtimeMs)) < SETTLING_MS;
  if (parsed === null && fresh && !first) {
    // perhaps half written: no judgement yet, and read again at the next look
    entries.set(name, { parsed: null, faults: [], clashes: [], accepted, ...known, signature: 'settling' });
    return false;
  }
  entries.set(name, { signature, parsed, faults, clashes: [], accepted });
  return true;
}

function readRai(
  path: string,
  options: RaiFilesOptions,
): { parsed: RaiFile | null; faults: readonly Problem[] } {
  const read = readSecretFile(path, options);
  if ('problem' in read) return { parsed: null, faults: [read.problem] };
  try {
    const parsed = parseRai(read.bytes.reveal());
    const objection = options.judge(parsed);
    return objection === null ? { parsed, faults: [] } : { parsed: null, faults: [objection] };
  } catch (error) {
    if (error instanceof RaiError) return { parsed: null, faults: error.problems };
    throw error;
  }
}

/** Decides which state of each file is in use, so that no two share a key id or an issuer. */
async function settle(entries: ReadonlyMap<string, Entry>): Promise<void> {
  const choice = new Map<string, RaiFile>();
  for (const [name, entry] of entries) {
    entry.clashes = [];
    const file = entry.parsed ?? entry.accepted;
    if (file !== null) choice.set(name, file);
  }
  for (;;) {
    // what is in use as it stands comes first: whoever clashes with it is the one to go
    const rank = (name: string) => {
      const { accepted } = entries.get(name) as Entry;
      return accepted === null ? 2 : accepted === choice.get(name) ? 0 : 1;
    };
    const offered = [...choice].map(([name, file]) => ({ name, file }));
    offered.sort((a, b) => rank(a.name) - rank(b.name));
    const { rejected } = await createKeyring(offered, { generation: 0 });
    if (rejected.length === 0) break;
    for (const { name, problems } of rejected) {
      const entry = entries.get(name) as Entry;
      entry.clashes = problems;
      if (entry.accepted !== null && entry.accepted !== choice.get(name)) choice.set(name, entry.accepted);
      else choice.delete(name);
    }
  }
  for (const [name, entry] of entries) entry.accepted = choice.get(name) ?? null;
}
