/**
 * `relayapi rotate`: a new key in, the old one to `accept` with an end, in the relay's and the issuer's file together (token spec §7).
 * The relay's file is replaced first: should the second fail, every token that is minted still opens.
 */
import { readRaiFile } from 'relayapi-sdk';
import { parseRai, parseStrictJson, type RaiFile, rotateRai } from 'relayapi-token';
import { type ChangeOptions, changeKeyFiles } from './key-files.ts';
import { done, misuse, type Outcome, type Refused, refuse, refuseRai } from './outcome.ts';
import { formatTime } from './times.ts';

/** What to rotate. */
export interface RotateCommand extends ChangeOptions {
  /** A shared file alone, or the two files of a pair in any order. */
  readonly files: readonly string[];
  /** Time for issuers to switch, beside the longest life of a token. */
  readonly graceSeconds?: number | undefined;
  /** `ecc`: which keys. */
  readonly keys?: 'enc' | 'sig' | 'both' | undefined;
  /** Seconds now. */
  readonly now: number;
}

/** Rotates. */
export async function rotate(command: RotateCommand): Promise<Outcome> {
  const sides = findSides(command);
  if ('kind' in sides) return sides;
  const { relay, issuer, file } = sides;
  if (command.keys !== undefined && file.method !== 'ecc') {
    return misuse('--keys is for files of method ecc; aes files have one key');
  }
  const paths = issuer === null ? [relay] : [relay, issuer];
  let rotated: RaiFile | null = null;
  const refusal = await changeKeyFiles(paths, command, (sources) => {
    const [relaySide, issuerSide = null] = sources.map((bytes) => parseStrictJson(bytes) as object);
    const { now, graceSeconds, keys } = command;
    try {
      const options = {
        now,
        ...(graceSeconds !== undefined && { graceSeconds }),
        ...(keys && { parts: keys }),
      };
      const result = rotateRai(relaySide as object, issuerSide, options);
      rotated = parseRai(result.relay);
      return result.issuer === null ? [result.relay] : [result.relay, result.issuer];
    } catch (error) {
      return refuseRai(paths.join(' and '), error);
    }
  });
  return refusal ?? show(rotated as unknown as RaiFile, relay, issuer);
}

function findSides(
  command: RotateCommand,
): { relay: string; issuer: string | null; file: RaiFile } | Refused | Outcome {
  const read: { path: string; file: RaiFile }[] = [];
  for (const path of command.files) {
    try {
      read.push({ path, file: readRaiFile(path, { allowGroupRead: command.groupRead }) });
    } catch (error) {
      return refuseRai(path, error);
    }
  }
  const old = read.find(({ file }) => file.version === 1);
  if (old) return refuse(old.path, 'is a version 1 file', 'run relayapi upgrade, which makes fresh keys too');
  const relay = read.find(({ file }) => file.role !== 'issuer');
  const issuer = read.find(({ file }) => file.role === 'issuer');
  const shared = relay?.file.role === 'shared';
  if (relay === undefined || read.length !== (shared ? 1 : 2) || (!shared && issuer === undefined)) {
    return misuse('rotate takes a shared file alone, or a relay’s file and its issuer’s file');
  }
  return { relay: relay.path, issuer: issuer?.path ?? null, file: relay.file };
}

function show(file: RaiFile, relay: string, issuer: string | null): Outcome {
  const keys =
    file.method === 'ecc' && file.role === 'relay'
      ? [...file.keys, ...file.issuers.flatMap((each) => each.keys)]
      : file.keys;
  const entries = keys.map(({ kid, use, status, until }) => ({
    kid,
    use,
    status,
    ...(until !== undefined && { until }),
  }));
  const lines = entries.map(({ kid, use, status, until }) => {
    const end = until === undefined ? '' : ` until ${formatTime(until)}`;
    return `${kid}  ${use}  ${status}${end}\n`;
  });
  const notes =
    issuer === null
      ? [`${relay} now mints with the new key; a running relay takes the file within a second.`]
      : [
          `First put ${relay} in place at the relay; a running relay takes it within a second.`,
          `Then replace ${issuer} at every backend that mints with it, before the old key's end.`,
        ];
  if (file.method === 'ecc' && file.role === 'relay' && file.issuers.length > 1) {
    notes.push(
      'Other issuers of this relay need its new public key, too: copy it from the issuer file into theirs.',
    );
  }
  notes.push('Keys past their end open nothing; the next rotation drops them.');
  return done(
    { files: issuer === null ? { shared: relay } : { relay, issuer }, keys: entries },
    lines.join(''),
    notes,
  );
}
