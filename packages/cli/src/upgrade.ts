/**
 * `relayapi upgrade`: a version 2 pair for what a version 1 file described (token spec §7). The old file is read, its key is not used,
 * and it stays as it is.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { upgradeRai } from 'relayapi-token';
import { relayUrlOf, writePair } from './init.ts';
import { refuseSystem } from './key-files.ts';
import { type Outcome, refuse, refuseRai } from './outcome.ts';

/** What to make of the old file. */
export interface UpgradeOptions {
  readonly file: string;
  readonly method: 'aes' | 'ecc';
  /** Address of the relay, where the old file's is outdated. */
  readonly host?: string | undefined;
  /** Folder for the new files; default that of the old one. */
  readonly out?: string | undefined;
  readonly iss?: string | undefined;
}

/** Writes the pair. */
export function upgrade(options: UpgradeOptions): Outcome {
  const { file, method, iss } = options;
  const relay = options.host === undefined ? undefined : relayUrlOf(options.host);
  if (relay === null) {
    return refuse('--host', 'is no address of a relay', 'write https://relay.example.com/relayapi/');
  }
  let bytes: Uint8Array;
  try {
    // its mode does not matter: nothing of its key lives on
    bytes = readFileSync(file);
  } catch (error) {
    return refuseSystem(file, error);
  }
  try {
    const pair = upgradeRai(bytes, { method, ...(relay && { relay }), ...(iss !== undefined && { iss }) });
    const made = writePair(pair, options.out ?? dirname(file), method);
    if (made.kind === 'refused') return made;
    return { ...made, notes: [...made.notes, ...warnings(file)] };
  } catch (error) {
    return refuseRai(file, error);
  }
}

function warnings(file: string): string[] {
  return [
    '',
    `Replace every provider key that was ever sealed in a version 1 URL: such URLs could be made to reveal their key.`,
    `Then delete ${file}. Version 1 URLs are refused; mint new ones (docs/guides/move-from-version-1.md).`,
  ];
}
