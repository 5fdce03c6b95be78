/**
 * The file in which the memory store's counters outlive a clean stop: written at the end, taken at the next start (behaviour spec §3).
 * Taking renames first, so that a crash in between can never bring old counts back.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ConfigProblem } from '../../config/problems.ts';
import { explainSystemError, readSecretFile } from './secret-files.ts';

/** A snapshot file during one run. */
export interface SnapshotFile {
  /** What the last clean stop left; null when there was nothing. */
  read(): string | null;
  /** Writes the snapshot whole or not at all, mode 0600. Throws system errors. */
  write(text: string): void;
  /** The relay serves: what was taken is gone for good. */
  discardTaken(): void;
  /** The start failed: puts back what was taken, for the next one. */
  putBack(): void;
}

/** Takes the snapshot off the disk, if there is one. A file that others can write is a problem, not a snapshot. */
export function takeSnapshotFile(path: string): SnapshotFile | { readonly problem: ConfigProblem } {
  const taken = `${path}.taken`;
  const problem = (fault: { message: string; fix: string }) => ({
    problem: { source: path, path: '$', message: fault.message, fix: fault.fix },
  });
  let text: string | null = null;
  try {
    // left by a start that died: its counts may be behind
    rmSync(taken, { force: true });
    if (existsSync(path)) {
      const file = readSecretFile(path, { groupRead: false });
      if ('problem' in file) {
        return problem({
          ...file.problem,
          fix: `${file.problem.fix}, or remove it: its counts are then lost`,
        });
      }
      renameSync(path, taken);
      text = Buffer.from(file.bytes.reveal()).toString('utf8');
    }
  } catch (error) {
    return problem(explainSystemError(error));
  }
  return {
    read: () => text,
    write: (content) => writeWhole(path, Buffer.from(content, 'utf8')),
    discardTaken: () => rmSync(taken, { force: true }),
    putBack: () => {
      if (text !== null && existsSync(taken) && !existsSync(path)) renameSync(taken, path);
    },
  };
}

/** Writes beside the file first, then renames over it. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    let offset = 0;
    while (offset < bytes.length) offset += writeSync(descriptor, bytes, offset);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncFolder(dirname(path));
}

/** Makes the rename itself durable, where the platform lets folders be opened. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // not possible here; the file itself is written
  }
}
