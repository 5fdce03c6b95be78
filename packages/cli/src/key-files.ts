/**
 * Writes key files: new ones that never replace anything, and changes that happen whole or not at all (token spec §7).
 * Reading and its checks of mode and owner belong to the SDK.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readRaiBytes } from 'relayapi-sdk';
import { type Refused, refuse, refuseRai } from './outcome.ts';

/** A file to be made. */
export interface NewFile {
  readonly path: string;
  /** What goes into it, as plain data. */
  readonly content: object;
}

/** How files are changed. */
export interface ChangeOptions {
  /** Accepts files that the group may read. */
  readonly groupRead: boolean;
  /** For tests that break the work halfway. */
  readonly rename?: (from: string, to: string) => void;
  /** How long to wait for another change of the same file, in milliseconds. Default 2,000. */
  readonly waitMs?: number;
}

const OWNER_ONLY = 0o600;
const WAIT_MS = 2000;
const RETRY_MS = 25;

/** The file itself, or the `*.rai` files of a folder by name, as a relay reads them. */
export function listKeyFiles(path: string): readonly string[] | Refused {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => /^[^.].*\.rai$/.test(name));
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    return refuseSystem(path, error);
  }
}

function raiText(content: object): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** What a failing system call has against a path. Never shows what was read or written. */
export function refuseSystem(path: string, error: unknown): Refused {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) throw error;
  const known: Readonly<Record<string, readonly [message: string, fix: string]>> = {
    ENOENT: ['there is no such file or folder', 'check the name and the working directory'],
    EEXIST: ['is there already, and key files are never overwritten', 'move it away or choose another --out'],
    EACCES: ['may not be used by this user', 'run as its owner'],
    EPERM: ['may not be used by this user', 'run as its owner'],
    EISDIR: ['is a folder', 'name a file'],
    ENOTDIR: ['a part of its path is no folder', 'check the path'],
    EROFS: ['lies on a read-only file system', 'choose another place'],
    ENOSPC: ['the disk is full', 'make room'],
  };
  const [message, fix] = known[code] ?? [`cannot be used (${code})`, 'check the file and its folder'];
  return refuse(path, message, fix);
}

/** Makes all files, mode 0600, or none; null when done. A file that is there, whatever it is, stays as it is. */
export function createKeyFiles(files: readonly NewFile[]): Refused | null {
  const made: string[] = [];
  for (const { path, content } of files) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const descriptor = openSync(path, 'wx', OWNER_ONLY);
      made.push(path);
      try {
        writeFileSync(descriptor, raiText(content));
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      // half a pair is of no use to anybody
      for (const each of made) unlinkSync(each);
      return refuseSystem(path, error);
    }
  }
  return null;
}

/** A file being changed: its new state, growing in a file beside it that also keeps others from changing it. */
interface Draft {
  readonly path: string;
  readonly target: string;
  readonly draft: string;
  readonly descriptor: number;
  moved: boolean;
}

/**
 * Changes files together; null when done. `change` gets their bytes and gives their new contents in the same order, an empty list to change nothing, or a refusal.
 * Each file is replaced in one step, in the order given; mode and owner stay. Until the first step nothing has happened.
 */
export async function changeKeyFiles(
  paths: readonly string[],
  options: ChangeOptions,
  change: (sources: readonly Uint8Array[]) => readonly object[] | Refused,
): Promise<Refused | null> {
  const drafts: Draft[] = [];
  try {
    for (const path of paths) {
      const draft = await openDraft(path, options.waitMs ?? WAIT_MS);
      if ('kind' in draft) return draft;
      drafts.push(draft);
    }
    const sources: Uint8Array[] = [];
    for (const { path, target } of drafts) {
      try {
        sources.push(readRaiBytes(target, { allowGroupRead: options.groupRead }));
      } catch (error) {
        return refuseRai(path, error);
      }
    }
    const contents = change(sources);
    if ('kind' in contents) return contents;
    if (contents.length === 0) return null;
    return replaceAll(drafts, contents, options);
  } finally {
    for (const { descriptor, draft, moved } of drafts) {
      closeSync(descriptor);
      if (!moved) rmSync(draft, { force: true });
    }
  }
}

/** Opens the draft of a file; while another one has it open, waits. */
async function openDraft(path: string, waitMs: number): Promise<Draft | Refused> {
  let target: string;
  try {
    // a link keeps pointing at the file that is changed
    target = realpathSync(path);
  } catch (error) {
    return refuseSystem(path, error);
  }
  // begins with a dot, so that a relay that watches the folder does not take it for a key file
  const draft = join(dirname(target), `.${basename(target)}.new`);
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      return { path, target, draft, descriptor: openSync(draft, 'wx', OWNER_ONLY), moved: false };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return refuseSystem(path, error);
      if (waited >= waitMs) {
        const message = 'is being changed by another command, or one was interrupted';
        return refuse(path, message, `try again; if nothing else runs, remove ${draft}`);
      }
      await pause(RETRY_MS);
    }
  }
}

function replaceAll(
  drafts: readonly Draft[],
  contents: readonly object[],
  options: ChangeOptions,
): Refused | null {
  const rename = options.rename ?? renameSync;
  for (const [index, { path, target, descriptor }] of drafts.entries()) {
    try {
      writeFileSync(descriptor, raiText(contents[index] as object));
      const before = statSync(target);
      fchownSync(descriptor, before.uid, before.gid);
      // never wider than what the reader accepted, whatever happened since
      fchmodSync(descriptor, before.mode & (options.groupRead ? 0o740 : 0o700));
      fsyncSync(descriptor);
    } catch (error) {
      return refuseSystem(path, error);
    }
  }
  for (const [index, draft] of drafts.entries()) {
    try {
      rename(draft.draft, draft.target);
      draft.moved = true;
      syncFolder(dirname(draft.target));
    } catch (error) {
      const refusal = refuseSystem(draft.path, error);
      const changed = drafts.slice(0, index).map((each) => each.path);
      if (changed.length === 0) return refusal;
      const fix = `${changed.join(', ')} has its new state already, which still accepts the old keys; run the command again`;
      return refuse(
        draft.path,
        `${refusal.problems[0]?.message ?? 'cannot be replaced'}, and is as it was`,
        fix,
      );
    }
  }
  return null;
}

/** Makes a rename outlast a loss of power, where the platform lets folders be opened. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    // the change is made; only its survival of a power cut is not promised here
  }
}
