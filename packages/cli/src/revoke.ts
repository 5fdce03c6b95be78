/**
 * `relayapi revoke`: takes tokens back by writing the `revoke` of a relay's file (token spec §7). Only ever adds: nothing that
 * was revoked comes back.
 */
import { parseRai, parseStrictJson, type RaiFile } from 'relayapi-token';
import { type ChangeOptions, changeKeyFiles } from './key-files.ts';
import { done, misuse, type Outcome, type Refused, refuse, refuseRai } from './outcome.ts';
import { formatTime } from './times.ts';

/** What to take back. */
export interface RevokeCommand extends ChangeOptions {
  /** The relay's or a shared file. */
  readonly rai: string;
  /** Token ids. */
  readonly jti: readonly string[];
  /** Subjects: their tokens issued before `before`. */
  readonly sub: readonly string[];
  /** Key ids. */
  readonly kid: readonly string[];
  /** Seconds: tokens issued earlier, of `sub` where it is given. */
  readonly before?: number | undefined;
  /** Every token issued until now. */
  readonly all: boolean;
  /** The only issuer meant, in a file with several. */
  readonly iss?: string | undefined;
  /** Seconds now. */
  readonly now: number;
}

interface RawRevoke {
  iat_before: number;
  sub: Record<string, number>;
  jti: string[];
  kid?: string[];
}

interface Holder {
  revoke?: Partial<RawRevoke>;
}

type RelayFile = Exclude<RaiFile, { role: 'issuer' }>;

/** Writes the revocation. */
export async function revoke(command: RevokeCommand): Promise<Outcome> {
  const { jti, sub, kid, before, all } = command;
  if (jti.length + sub.length + kid.length === 0 && before === undefined && !all) {
    return misuse('name what to take back: --jti, --sub, --kid, --before or --all');
  }
  if (all && before !== undefined) return misuse('give one of --all and --before');
  if (jti.some((id) => !/^[A-Za-z0-9_-]{16,64}$/.test(id))) {
    return misuse(
      '--jti takes a whole token id of 16 to 64 characters; logs show its first 8, relayapi inspect all of it',
    );
  }
  if (sub.some((name) => !/^[\x21-\x7e]{1,128}$/.test(name))) {
    return misuse('--sub takes a subject as tokens carry it: up to 128 printable characters without spaces');
  }
  let issuers: readonly string[] = [];
  const refusal = await changeKeyFiles([command.rai], command, ([bytes]) => {
    try {
      const changed = change(command, bytes as Uint8Array);
      if ('kind' in changed) return changed;
      issuers = changed.issuers;
      return [changed.content];
    } catch (error) {
      return refuseRai(command.rai, error);
    }
  });
  return refusal ?? show(command, issuers);
}

function change(
  command: RevokeCommand,
  bytes: Uint8Array,
): { content: object; issuers: readonly string[] } | Refused {
  const file = parseRai(bytes);
  if (file.version === 1) {
    return refuse(command.rai, 'is a version 1 file, which cannot hold a revoke', 'run relayapi upgrade');
  }
  if (file.role === 'issuer') {
    return refuse(
      command.rai,
      'is an issuer’s file',
      'revocation stands in the relay’s file: name that one',
      '$.role',
    );
  }
  const fault = findUnknown(command, file);
  if (fault !== null) return refuse(command.rai, ...fault);
  // a copy without odd prototypes, member order kept
  const content = JSON.parse(JSON.stringify(parseStrictJson(bytes))) as Holder & {
    issuers?: (Holder & { iss: string })[];
  };
  const holders = file.method === 'aes' ? [content] : (content.issuers ?? []);
  const meant = holders.filter(
    (holder) => command.iss === undefined || !('iss' in holder) || holder.iss === command.iss,
  );
  for (const holder of meant) holder.revoke = extend(holder.revoke ?? {}, command);
  parseRai(content);
  return {
    content,
    issuers: issuersOf(file).filter((iss) => command.iss === undefined || iss === command.iss),
  };
}

function issuersOf(file: RelayFile): string[] {
  return file.method === 'aes' ? [file.iss] : file.issuers.map(({ iss }) => iss);
}

/** A name that this file does not know, as the message, fix and path of a problem: a typing mistake would revoke nothing. */
function findUnknown(
  command: RevokeCommand,
  file: RelayFile,
): [message: string, fix: string, path: string] | null {
  const issuers = issuersOf(file);
  if (command.iss !== undefined && !issuers.includes(command.iss)) {
    return ['has no issuer of that name', `write --iss ${issuers.join(' or ')}`, '$.issuers'];
  }
  if (command.sub.length > 0 && command.iss === undefined && issuers.length > 1) {
    return [
      'has several issuers, and each names subjects for itself',
      `add --iss ${issuers.join(' or ')}`,
      '$.issuers',
    ];
  }
  const kids =
    file.method === 'aes' ? file.keys : [...file.keys, ...file.issuers.flatMap(({ keys }) => keys)];
  if (command.kid.some((kid) => !kids.some((key) => key.kid === kid))) {
    return ['has no key of that id', `its keys are ${kids.map(({ kid }) => kid).join(', ')}`, '$.keys'];
  }
  return null;
}

function extend(old: Partial<RawRevoke>, command: RevokeCommand): RawRevoke {
  // a token minted in this very second counts as issued before
  const time = command.before ?? command.now + 1;
  const wide = command.all || (command.before !== undefined && command.sub.length === 0);
  const sub = new Map(Object.entries(old.sub ?? {}));
  for (const name of command.sub) sub.set(name, Math.max(sub.get(name) ?? 0, time));
  const kid = [...new Set([...(old.kid ?? []), ...command.kid])];
  return {
    iat_before: Math.max(old.iat_before ?? 0, wide ? time : 0),
    sub: Object.fromEntries(sub),
    jti: [...new Set([...(old.jti ?? []), ...command.jti])],
    ...(kid.length > 0 && { kid }),
  };
}

function show(command: RevokeCommand, issuers: readonly string[]): Outcome {
  const { jti, sub, kid, all, before, rai, now } = command;
  const time = formatTime(before ?? now + 1);
  const lines = [
    ...jti.map((id) => `token ${id}`),
    ...sub.map((name) => `tokens of ${name} issued before ${time}`),
    ...kid.map((id) => `tokens of key ${id}`),
    ...(all || (before !== undefined && sub.length === 0) ? [`every token issued before ${time}`] : []),
  ];
  const whose = issuers.length > 1 ? ` (issuers ${issuers.join(', ')})` : '';
  return done(
    {
      file: rai,
      issuers,
      revoked: { jti, sub, kid, ...((all || before !== undefined) && { before: before ?? now + 1 }) },
    },
    lines.map((line) => `${line}\n`).join(''),
    [
      `${rai} refuses them now${whose}; a running relay takes the file within a second and ends their streams.`,
    ],
  );
}
