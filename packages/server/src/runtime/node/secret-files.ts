/**
 * Reads files that hold keys, and writes them: only regular files of ours or root's that nobody else can read (token spec §7).
 * Judged on the opened descriptor, so that a file cannot be swapped between look and read.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { Secret, SecretBytes } from 'relayapi-token';
import type { ConfigProblem } from '../../config/problems.ts';

/** Largest key file that is read, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** How strict to be. */
export interface SecretFileOptions {
  /** Accepts mode 0040 as well (`-rai-group-read`). */
  readonly groupRead: boolean;
}

/** What a file holds, or what is wrong with it. */
export type SecretFile = { readonly bytes: SecretBytes } | { readonly problem: ConfigProblem };

/** A failing system call in words for an operator. */
export function explainSystemError(error: unknown): { message: string; fix: string } {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT')
    return { message: 'there is no such file', fix: 'check the name and the working directory' };
  if (code === 'EACCES' || code === 'EPERM') {
    return { message: 'the relay’s user may not read it', fix: 'give the file to that user, mode 0600' };
  }
  if (code === 'EISDIR') return { message: 'is a folder', fix: 'name a file' };
  if (code === 'ENOTDIR') return { message: 'a part of its path is no folder', fix: 'check the path' };
  if (code === 'ELOOP') return { message: 'its links lead in a circle', fix: 'point them at a file' };
  if (code === 'EROFS') return { message: 'lies on a read-only file system', fix: 'choose another place' };
  return { message: `cannot be used (${code ?? 'unknown error'})`, fix: 'check the file and its folder' };
}

/** What the mode and owner of an opened file have against it; null when it may be read. */
export function judgeMode(
  stats: { readonly mode: bigint; readonly uid: bigint },
  uid: number | null,
  options: SecretFileOptions,
): { message: string; fix: string } | null {
  // no POSIX owners and modes on this platform
  if (uid === null) return null;
  if (stats.uid !== BigInt(uid) && stats.uid !== 0n) {
    return { message: 'belongs to another user', fix: 'chown it to the user the relay runs as' };
  }
  const forbidden = options.groupRead ? 0o037n : 0o077n;
  if ((stats.mode & forbidden) === 0n) return null;
  const mode = (stats.mode & 0o777n).toString(8).padStart(4, '0');
  const groupOnly = (stats.mode & 0o037n) === 0n;
  return {
    message: `others than its owner may use it (mode ${mode})`,
    fix: groupOnly ? 'chmod 600 it, or start with -rai-group-read' : 'chmod 600 it',
  };
}

/** Reads a file that holds a secret. */
export function readSecretFile(path: string, options: SecretFileOptions): SecretFile {
  const problem = (message: string, fix: string): SecretFile => ({
    problem: { source: path, path: '$', message, fix },
  });
  let descriptor: number;
  try {
    // non-blocking, or opening a named pipe would wait for its writer
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { message, fix } = explainSystemError(error);
    return problem(message, fix);
  }
  try {
    const stats: BigIntStats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) return problem('is no regular file', 'name a file');
    const fault = judgeMode(stats, process.getuid?.() ?? null, options);
    if (fault) return problem(fault.message, fault.fix);
    if (stats.size > BigInt(MAX_BYTES)) return problem('is larger than 1 MiB', 'this is no key file');
    return { bytes: new SecretBytes(readFileSync(descriptor)) };
  } catch (error) {
    const { message, fix } = explainSystemError(error);
    return problem(message, fix);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a new file of mode 0600. Throws when it exists already, whatever it is. */
export function createSecretFile(path: string, text: string): void {
  writeFileSync(path, text, { flag: 'wx', mode: 0o600, flush: true });
}

/** The secret in a file or variable: text without its last line break; null when it is empty or spans lines. */
export function secretOf(text: string): Secret | null {
  const line = text.replace(/\r?\n$/, '');
  return line === '' || /[\r\n]/.test(line) ? null : new Secret(line);
}
