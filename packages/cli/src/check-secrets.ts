/**
 * `relayapi check --secrets`: looks for keys and tokens in logs, whoever wrote them, and says where they stand without showing them.
 * Knows what secrets look like, and the user's own by value where config or key files are given. Finds nothing in what is encrypted or cut to pieces.
 */
import { Secret } from 'relayapi-token';
import { type NamedFile, openAtAnyTime, readFiles, readKid } from './inspect.ts';
import { refuseSystem } from './key-files.ts';
import { type LogPiece, readLog } from './log-reader.ts';
import { done, type FileProblem, type Outcome } from './outcome.ts';
import { findNeedles, type Needle, needlesOf } from './own-needles.ts';
import type { Terminal } from './terminal.ts';

/** Where to look, and for what beside what looks like a secret. */
export interface CheckSecretsCommand {
  /** Files; `-` is standard input. */
  readonly files: readonly string[];
  readonly config: string | null;
  readonly rai: string | null;
  readonly groupRead: boolean;
}

/** Something found. */
interface Finding {
  readonly file: string;
  readonly line: number;
  /** From 1, in bytes. */
  readonly column: number;
  readonly kind: string;
  /** What surrounds it, with every secret masked. */
  readonly excerpt: string;
}

/** What is looked for and how findings are told. */
interface Search {
  readonly findSecrets: (text: string) => readonly { kind: string; start: number; end: number }[];
  readonly mask: (text: string) => string;
  readonly needles: readonly Needle[];
  readonly keyFiles: readonly NamedFile[];
  readonly names: Map<string, string>;
}

interface Span {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** So many findings are listed one by one; all are counted. */
const MOST_LISTED = 1000;
/** Characters shown on each side. */
const AROUND = 40;

/** Looks through the files. Exit 0: nothing found. */
export async function checkSecrets(command: CheckSecretsCommand, terminal: Terminal): Promise<Outcome> {
  const { search, problems } = await prepareSearch(command, terminal);
  if (search === null) return { kind: 'refused', problems };
  const listed: Finding[] = [];
  const counts = new Map<string, number>();
  let lines = 0;
  for (const file of command.files) {
    try {
      const name = file === '-' ? 'standard input' : file;
      for await (const piece of readLog(file === '-' ? terminal.stdinBytes() : file)) {
        if (piece.until === piece.text.length) lines += 1;
        for (const finding of await lookInto(piece, name, search)) {
          counts.set(finding.kind, (counts.get(finding.kind) ?? 0) + 1);
          if (listed.length < MOST_LISTED) listed.push(finding);
        }
      }
    } catch (error) {
      problems.push(...explainReading(file, error));
    }
  }
  return tell(listed, counts, lines, command, problems);
}

async function prepareSearch(
  command: CheckSecretsCommand,
  terminal: Terminal,
): Promise<{ search: Search | null; problems: FileProblem[] }> {
  // loaded here, so that no other command waits for the server's code
  const { findSecrets, printable, redact, readOwnSecrets } = await import('relayapi-server');
  const needles: Needle[] = [];
  const problems: FileProblem[] = [];
  const wrap = (text: string) => new Secret(text);
  if (command.config !== null) {
    const { env } = terminal;
    const own = readOwnSecrets({ config: command.config, env, groupRead: command.groupRead });
    problems.push(...own.problems);
    for (const { name, secret } of own.secrets) needles.push(...needlesOf(name, secret, wrap));
  }
  let keyFiles: readonly NamedFile[] = [];
  if (command.rai !== null) {
    const read = readFiles(command.rai, command.groupRead);
    if ('kind' in read) return { search: null, problems: [...problems, ...read.problems] };
    keyFiles = read;
    for (const { name, secret } of read.flatMap(secretsOf)) needles.push(...needlesOf(name, secret, wrap));
  }
  const mask = (text: string) => printable(redact(text));
  return { search: { findSecrets, mask, needles, keyFiles, names: new Map() }, problems };
}

/** The keys of a key file, as written and as bytes. */
function secretsOf({ name, file }: NamedFile): { name: string; secret: Secret }[] {
  const keys = file.method === 'ecc' && file.role === 'issuer' ? [file.sign] : file.keys;
  return keys.flatMap((key) => {
    const own = 'k' in key ? key.k : 'd' in key ? key.d : undefined;
    if (own === undefined) return [];
    // looked for as base64url text, in which key files hold it, and as the bytes' other spellings
    const bytes = Buffer.from(own.reveal(), 'base64url');
    return [
      { name: `key ${key.kid} of ${name}`, secret: own },
      { name: `key ${key.kid} of ${name}`, secret: new Secret(bytes.toString('base64').replace(/=+$/, '')) },
      { name: `key ${key.kid} of ${name}`, secret: new Secret(bytes.toString('hex')) },
    ];
  });
}

async function lookInto(piece: LogPiece, file: string, search: Search): Promise<Finding[]> {
  const { text, line, column, until } = piece;
  const spans = findSpans(text, search);
  const findings: Finding[] = [];
  for (const span of spans) {
    if (span.start >= until) continue;
    const kind = await nameOf(span, text, search);
    const excerpt = excerptOf(text, span, spans, search);
    findings.push({ file, line, column: column + span.start, kind, excerpt });
  }
  return findings;
}

/** What stands in a text; a user's own secrets before what merely looks like one. */
function findSpans(text: string, { findSecrets, needles }: Search): Span[] {
  const own = findNeedles(text, needles).map(({ needle, start, end }) => ({
    kind: needle.form === 'plain' ? needle.name : `${needle.name}, in ${needle.form}`,
    start,
    end,
  }));
  const pem = /-----BEGIN (?:[A-Z]{2,16} ){0,2}PRIVATE KEY-----\s*$/.exec(text);
  const head = pem === null ? [] : [{ kind: 'private key', start: pem.index, end: text.length }];
  const all: Span[] = [];
  for (const span of [...own, ...findSecrets(text), ...head]) {
    if (!all.some(({ start, end }) => span.start < end && start < span.end)) all.push(span);
  }
  return all.sort((a, b) => a.start - b.start);
}

/** What it is; a token by its name where the user's files open it, by its key's where its header can be read. */
async function nameOf({ kind, start, end }: Span, text: string, search: Search): Promise<string> {
  if (kind !== 'token') return kind;
  const sealed = new Secret(text.slice(start, end).replace(/^ek_/, '').replaceAll(/%2e/gi, '.'));
  const digest = `${sealed.length} ${text.slice(end - 22, end)}`;
  const known = search.names.get(digest);
  if (known !== undefined) return known;
  const { opened } =
    search.keyFiles.length === 0 ? { opened: null } : await openAtAnyTime(sealed, search.keyFiles);
  const kid = opened === null ? readKid(sealed) : null;
  const name = opened ? `token ${opened.id}` : kid ? `token of key ${kid}` : 'token';
  // the same token stands in many lines of one log; what is remembered is bounded
  if (search.names.size >= MOST_LISTED) search.names.clear();
  search.names.set(digest, name);
  return name;
}

function excerptOf(text: string, span: Span, spans: readonly Span[], { mask }: Search): string {
  let masked = '';
  let from = Math.max(0, span.start - AROUND);
  const to = Math.min(text.length, span.end + AROUND);
  for (const { start, end } of spans) {
    if (end <= from || start >= to) continue;
    masked += `${text.slice(from, Math.max(from, start))}[…]`;
    from = Math.min(end, to);
  }
  return mask(masked + text.slice(from, to)).trim();
}

function explainReading(file: string, error: unknown): FileProblem[] {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (/^(?:Z_|ERR_|ZSTD)/.test(code)) {
    const message = 'is damaged or ends early; what could be unpacked was looked through';
    return [{ source: file, path: '$', message, fix: 'take a whole copy of it' }];
  }
  return [...refuseSystem(file, error).problems];
}

function tell(
  listed: readonly Finding[],
  counts: ReadonlyMap<string, number>,
  lines: number,
  command: CheckSecretsCommand,
  problems: readonly FileProblem[],
): Outcome {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const data = {
    found: total,
    lines,
    counts: Object.fromEntries(counts),
    findings: listed,
    ...(total > listed.length && { not_listed: total - listed.length }),
  };
  const rows = listed.map(
    ({ file, line, column, kind, excerpt }) => `${file}:${line}:${column}: ${kind}: ${excerpt}\n`,
  );
  if (total > listed.length) rows.push(`and ${total - listed.length} more\n`);
  const kinds = [...counts].map(([kind, count]) => `${count} × ${kind}`).slice(0, 12);
  if (total > 0) {
    const message = `${total} ${total === 1 ? 'secret stands' : 'secrets stand'} in clear: ${kinds.join(', ')}`;
    const fix =
      'replace these keys, revoke these tokens, remove the logs, and mask them where they are written (docs/guides/secrets-in-logs.md)';
    const found = { source: command.files.join(', '), path: '$', message, fix };
    return { kind: 'refused', problems: [...problems, found], data, text: rows.join('') };
  }
  if (problems.length > 0) return { kind: 'refused', problems, data };
  return done(data, '', [`${lines} lines, no key and no token found`]);
}
