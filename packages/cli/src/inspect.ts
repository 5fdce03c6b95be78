/**
 * `relayapi inspect`: what stands in a token, keys masked, and why a relay would refuse it now. Opens it as a relay does,
 * with the clock and the end of keys set aside so that old tokens can be read; judges it with both back in place.
 */
import { readRaiFile } from 'relayapi-sdk';
import {
  type Claims,
  createKeyring,
  decodeBase64Url,
  findToken,
  judgeToken,
  type Keyring,
  type OpenedToken,
  openToken,
  parseStrictJson,
  type RaiFile,
  RELEASE_FEATURES,
  type Secret,
  type TokenDenial,
} from 'relayapi-token';
import { listKeyFiles } from './key-files.ts';
import { done, type FileProblem, misuse, type Outcome, type Refused, refuse, refuseRai } from './outcome.ts';
import type { Terminal } from './terminal.ts';
import { formatSpan, formatTime } from './times.ts';

/** What to look into. */
export interface InspectCommand {
  /** A URL or token; null or `-` reads it from standard input. */
  readonly subject: string | null;
  /** A key file, or a folder of them. */
  readonly rai: string;
  readonly groupRead: boolean;
}

/** A key file and its path. */
export interface NamedFile {
  readonly name: string;
  readonly file: RaiFile;
}

/** Clock of a reader whom no token is too new for. */
const ANY_TIME = Number.MAX_SAFE_INTEGER;
/** How far an issuer's clock may run ahead of the relay's (token spec §4 step 8). */
const CLOCK_SKEW_SECONDS = 60;

/** Opens and shows a token. */
export async function inspect(command: InspectCommand, terminal: Terminal): Promise<Outcome> {
  const text = await readSubject(command.subject, terminal);
  if (text === null) return misuse('give a URL or a token, as an argument or on standard input');
  const token = findToken(text);
  if (token === null) {
    const fix =
      'a token is five parts with dots between, at most 4096 characters; version 1 tokens are never opened';
    return refuse('token', 'there is no version 2 token in this text', fix);
  }
  const files = readFiles(command.rai, command.groupRead);
  if ('kind' in files) return files;
  const asRelay = files.map(({ name, file }) => ({ name, file: relaySideOf(file) }));
  const { keyring: now } = await createKeyring(asRelay, { generation: 1 });
  const { keyring, opened } = await openAtAnyTime(token, files);
  if (opened === null) return refuse('token', ...explainClosed(token, keyring, files));
  const denial = judge(opened, now, files, terminal.now());
  return show(opened, denial, terminal.now());
}

/** Opens a token with the clock and the end of keys set aside, so that old tokens can be read. */
export async function openAtAnyTime(
  token: Secret,
  files: readonly NamedFile[],
): Promise<{ keyring: Keyring; opened: OpenedToken | null }> {
  const timeless = files.map(({ name, file }) => ({ name, file: withoutEnds(relaySideOf(file)) }));
  const { keyring } = await createKeyring(timeless, { generation: 1 });
  return { keyring, opened: await openToken(token, keyring, { now: ANY_TIME }) };
}

async function readSubject(subject: string | null, terminal: Terminal): Promise<string | null> {
  if (subject !== null && subject !== '-') return subject;
  if (terminal.stdinIsTerminal) return null;
  return terminal.readStdin();
}

/** Key files of a path; those that cannot be used are left out while there is another. */
export function readFiles(path: string, allowGroupRead: boolean): readonly NamedFile[] | Refused {
  const paths = listKeyFiles(path);
  if ('kind' in paths) return paths;
  const files: NamedFile[] = [];
  const problems: FileProblem[] = [];
  for (const name of paths) {
    try {
      files.push({ name, file: readRaiFile(name, { allowGroupRead }) });
    } catch (error) {
      problems.push(...refuseRai(name, error).problems);
    }
  }
  if (files.length > 0) return files;
  if (problems.length > 0) return { kind: 'refused', problems };
  return refuse(path, 'is a folder without any .rai file', 'name the file that opens the token');
}

/** An issuer's aes key opens as the relay's does; what its relay allows is not known, so all is. */
function relaySideOf(file: RaiFile): RaiFile {
  if (file.role !== 'issuer' || file.method !== 'aes') return file;
  const { version, method, aud, iss } = file;
  const keys = file.keys.map((key) => ({ ...key, status: 'active' as const }));
  const allow = { hosts: [], vault: [], paths: [], max_ttl_seconds: ANY_TIME, require: [] };
  return {
    version,
    role: 'relay',
    method,
    aud,
    iss,
    keys,
    allow,
    revoke: { iat_before: 0, sub: {}, jti: [] },
  };
}

function withoutEnds(file: RaiFile): RaiFile {
  const endless = <K extends object>(keys: readonly K[]): K[] =>
    keys.map((key) => {
      const { until: _end, ...rest } = key as K & { until?: number };
      return rest as unknown as K;
    });
  if (file.method === 'aes') return { ...file, keys: endless(file.keys) };
  if (file.role === 'issuer') return file;
  const issuers = file.issuers.map((issuer) => ({ ...issuer, keys: endless(issuer.keys) }));
  return { ...file, keys: endless(file.keys), issuers };
}

function explainClosed(
  token: Secret,
  keyring: Keyring,
  files: readonly NamedFile[],
): [message: string, fix: string] {
  const kid = readKid(token);
  if (kid === null) return ['its header cannot be read', 'check that the text is complete'];
  if (keyring.kids.includes(kid)) {
    return [
      'does not open with its key, or its claims are malformed',
      'it was changed on the way, or forged',
    ];
  }
  const issuers = files.filter(({ file }) => file.role === 'issuer' && file.method === 'ecc');
  if (issuers.some(({ file }) => file.keys.some((key) => key.kid === kid))) {
    return [
      'only the relay can open it: this issuer’s file can seal, not open',
      'inspect it with the relay’s file',
    ];
  }
  return [
    `its key ${kid} is not in this file`,
    `give the file with that key; here are: ${keyring.kids.join(', ') || 'none'}`,
  ];
}

/** The key id in a token's header, which is not secret; null when there is none of the right form. */
export function readKid(token: Secret): string | null {
  try {
    const bytes = decodeBase64Url(token.reveal().split('.')[0] as string);
    const header =
      bytes === null ? null : (parseStrictJson(bytes, { maxDepth: 4 }) as { kid?: unknown } | null);
    return typeof header?.kid === 'string' && /^[A-Za-z0-9_-]{4,32}$/.test(header.kid) ? header.kid : null;
  } catch {
    return null;
  }
}

/** Why it would be refused now; null when it would not, as far as this file can tell. */
function judge(
  opened: OpenedToken,
  keyring: Keyring,
  files: readonly NamedFile[],
  now: number,
): TokenDenial | null {
  if (opened.claims.iat > now + CLOCK_SKEW_SECONDS) return { code: 'token_invalid', claim: 'iat' };
  const denial = judgeToken(opened, keyring, { now, supported: RELEASE_FEATURES });
  const byIssuer = files.some(
    ({ file }) => file.role === 'issuer' && file.keys.some(({ kid }) => kid === opened.kid),
  );
  return denial?.code === 'claim_not_allowed' && byIssuer ? null : denial;
}

function show(opened: OpenedToken, denial: TokenDenial | null, now: number): Outcome {
  const { claims, id, kid, signerKid, unknown } = opened;
  const left = Math.max(0, claims.exp - now);
  const reason = denial === null ? null : explainDenial(denial, claims, now);
  const state =
    denial === null
      ? `valid for ${formatSpan(left)}, until ${formatTime(claims.exp)}`
      : `refused now: ${denial.code}, ${reason}`;
  // secrets print as [secret] by their own toJSON
  const plain = JSON.parse(JSON.stringify(claims)) as object;
  const data = {
    id,
    kid,
    ...(signerKid !== undefined && { signer_kid: signerKid }),
    seconds_left: left,
    refused: denial === null ? null : { ...denial, reason },
    ...(unknown.length > 0 && { unknown }),
    claims: plain,
  };
  const lines = [
    `token    ${id}`,
    `state    ${state}`,
    `keys     ${signerKid === undefined ? kid : `${kid}, signed by ${signerKid}`}`,
    `issued   ${formatTime(claims.iat)} by ${claims.iss} for ${claims.aud}`,
    'claims',
    JSON.stringify(plain, null, 2),
  ];
  const notes = ['Calls that were made already are counted at the relay and do not stand in a token.'];
  if (claims.countries !== undefined) {
    notes.push('A relay without server.country_header and server.geoip_file refuses it: token_unsupported.');
  }
  return done(data, `${lines.join('\n')}\n`, notes);
}

function explainDenial({ code, claim }: TokenDenial, claims: Claims, now: number): string {
  if (code === 'token_expired')
    return `it expired ${formatSpan(now - claims.exp)} ago, at ${formatTime(claims.exp)}`;
  if (code === 'token_not_yet_valid') return `it is valid from ${formatTime(claims.nbf ?? now)}`;
  if (code === 'token_revoked') return `it was taken back by "${claim}" in the key file's revoke`;
  if (code === 'token_unsupported') return `this release does not know "${claim}"`;
  if (code === 'claim_not_allowed')
    return `"${claim}" asks for more than the key file's allow grants, or is missing`;
  if (claim === 'iat') return 'it was issued in the future: compare the clocks';
  return 'its key has reached its "until" in the key file';
}
