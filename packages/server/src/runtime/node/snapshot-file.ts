/**
 * The file in which the memory store's counters outlive a clean stop: written at the end, taken at the next start (behaviour spec §3).
 * Taking renames first, so that a crash in between can never bring old counts back.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ConfigProblem } from '../../config/problems.ts';
import { explainSystemError, readSecretFile } from './secret-files.ts';

/** A snapshot that was taken off the disk. */
export interface TakenSnapshot {
  readonly bytes: Uint8Array;
  /** The relay serves: forget the file. */
  discard(): void;
  /** The start failed: put it back for the next one. */
  putBack(): void;
}

/** Takes the snapshot; null without one. A file that others can write is a problem, not a snapshot. */
export function takeSnapshot(path: string): TakenSnapshot | { readonly problem: ConfigProblem } | null {
  const taken = `${path}.taken`;
  // left by a start that died: its counts may be behind
  rmSync(taken, { force: true });
  if (!existsSync(path)) return null;
  const file = readSecretFile(path, { groupRead: false });
  if ('problem' in file) {
    const fix = `${file.problem.fix}, or remove it: its counts are then lost`;
    return { problem: { ...file.problem, fix } };
  }
  try {
    renameSync(path, taken);
  } catch (error) {
    const { message, fix } = explainSystemError(error);
    return { problem: { source: path, path: '$', message, fix } };
  }
  return {
    bytes: file.bytes,
    discard: () => rmSync(taken, { force: true }),
    putBack: () => {
      if (!existsSync(path)) renameSync(taken, path);
    },
  };
}

/** Writes the snapshot whole or not at all: beside it first, mode 0600, then renamed over it. Throws system errors. */
export function writeSnapshot(path: string, bytes: Uint8Array): void {
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
