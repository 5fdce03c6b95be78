/**
 * `relayapi check`: config.json and key files as a start would find them, every problem at once, and in words what is granted.
 * The looking itself is the server's, so that both see the same; nothing starts.
 */
import { statSync } from 'node:fs';
import { readRaiFile } from 'relayapi-sdk';
import type { RaiFile } from 'relayapi-token';
import { describeAllow, describeRevoke } from './allow-words.ts';
import { importKeys } from './import-keys.ts';
import { done, type FileProblem, type Outcome, problemLine } from './outcome.ts';
import type { Terminal } from './terminal.ts';
import { formatTime } from './times.ts';

/** What to check. At least one of `config` and `rai` is given. */
export interface CheckCommand {
  readonly config: string | null;
  /** A key file, or a folder of them. */
  readonly rai: string | null;
  readonly groupRead: boolean;
  readonly allowShared: boolean;
  /** False where the keys that config names are not at hand. */
  readonly secrets: boolean;
  /** First takes what WebCrypto adds to exported keys out of the key files. */
  readonly import: boolean;
}

interface NamedFile {
  readonly name: string;
  readonly file: RaiFile;
}

/** Checks. */
export async function check(command: CheckCommand, terminal: Terminal): Promise<Outcome> {
  const { config, rai, groupRead, allowShared, secrets } = command;
  const imported: string[] = [];
  if (command.import && rai !== null) {
    const found = await importKeys(rai, { groupRead });
    if (!Array.isArray(found)) return found;
    imported.push(...found);
  }
  const backend = rai === null ? null : readIssuer(rai, groupRead);
  // loaded here, so that no other command waits for the server's code
  const { checkStart, createCatalog, REGISTRY } = await import('relayapi-server');
  const serving = backend === null ? rai : null;
  const start = await checkStart({
    config,
    rai: serving,
    env: terminal.env,
    allowShared,
    raiGroupRead: groupRead,
    secrets,
  });
  const { catalog } = createCatalog(REGISTRY, start.config.providers);
  const files = backend === null ? start.files : [backend];
  const all = start.problems;
  const warnings = [
    ...start.warnings,
    ...start.files.flatMap((each) =>
      findDangling(
        each,
        (name) => catalog.find(name) !== null,
        config === null ? null : Object.keys(start.config.vault),
      ),
    ),
  ];
  const { host, port, base_path: basePath } = start.config.server;
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${port}${basePath}`;
  const lines = [
    ...(config === null ? [] : [`${config}: listens on ${address}, store ${start.config.store.type}`]),
    ...files.flatMap(({ name, file }) => describeFile(name, file)),
  ];
  const data = {
    ...(config !== null && { config: { file: config, address, store: start.config.store.type } }),
    files: files.map(({ name, file }) => asData(name, file)),
    ...(imported.length > 0 && { imported }),
    warnings,
  };
  const text = lines.map((line) => `${line}\n`).join('');
  const cautions = warnings.map((warning) => `warning: ${problemLine(warning)}`);
  if (all.length > 0) {
    for (const caution of cautions) terminal.stderr(`${caution}\n`);
    return { kind: 'refused', problems: all, data, text };
  }
  return done(data, text, [
    ...imported.map((name) => `${name}: took WebCrypto's members out of its keys`),
    ...cautions,
    'no problems',
  ]);
}

/** The file as a backend's, when that is what it is; anything else is the server's to judge. */
function readIssuer(path: string, allowGroupRead: boolean): NamedFile | null {
  try {
    if (statSync(path).isDirectory()) return null;
    const file = readRaiFile(path, { allowGroupRead });
    return file.role === 'issuer' ? { name: path, file } : null;
  } catch {
    return null;
  }
}

/** Grants that lead nowhere: providers that the registry lacks, vault names that config lacks. */
function findDangling(
  { name, file }: NamedFile,
  isProvider: (name: string) => boolean,
  vault: readonly string[] | null,
): FileProblem[] {
  return grantsOf(file).flatMap(({ path, allow }) => [
    ...(allow.providers ?? [])
      .filter((provider) => !isProvider(provider))
      .map((provider) => ({
        source: name,
        path: `${path}.providers`,
        message: `no provider is called "${provider}"`,
        fix: 'check its name, or add it to "providers" in config.json',
      })),
    ...allow.vault
      .filter((entry) => vault !== null && !vault.includes(entry))
      .map((entry) => ({
        source: name,
        path: `${path}.vault`,
        message: `the vault has no "${entry}"`,
        fix: 'add it to "vault" in config.json',
      })),
  ]);
}

function grantsOf(file: RaiFile) {
  if (file.role === 'issuer') return [];
  if (file.method === 'aes')
    return [{ iss: file.iss, path: '$.allow', allow: file.allow, revoke: file.revoke }];
  return file.issuers.map(({ iss, allow, revoke }, i) => ({
    iss,
    path: `$.issuers[${i}].allow`,
    allow,
    revoke,
  }));
}

function keysOf(file: RaiFile) {
  const own = file.method === 'ecc' && file.role === 'issuer' ? [...file.keys, file.sign] : file.keys;
  const keys = own.map(({ kid, use, status, until }) => ({
    kid,
    use,
    status,
    until,
    iss: undefined as string | undefined,
  }));
  if (file.method === 'aes' || file.role === 'issuer') return keys;
  const signers = file.issuers.flatMap(({ iss, keys: each }) =>
    each.map(({ kid, use, status, until }) => ({ kid, use, status, until, iss })),
  );
  return [...keys, ...signers];
}

const USES = { enc: 'encryption', sig: 'signature' } as const;

function describeFile(name: string, file: RaiFile): string[] {
  const version = file.version === 1 ? ' of version 1' : '';
  const keys = keysOf(file).map(({ kid, use, status, until, iss }) => {
    const end = until === undefined ? '' : ` until ${formatTime(until)}`;
    return `  key ${kid}: ${USES[use]}${status === undefined ? '' : `, ${status}`}${end}${iss === undefined ? '' : `, of ${iss}`}`;
  });
  const whose = file.role === 'issuer' ? [`  for the backend: mints as ${file.iss} for ${file.relay}`] : [];
  const grants = grantsOf(file).map(
    ({ iss, allow, revoke }) =>
      `  issuer ${iss}: ${[...describeAllow(allow), ...describeRevoke(revoke)].join('; ')}`,
  );
  return [
    `${name}: ${file.role} file${version}, method ${file.method}, relay id ${file.aud}`,
    ...keys,
    ...whose,
    ...grants,
  ];
}

function asData(name: string, file: RaiFile): object {
  const issuers = grantsOf(file).map(({ iss, allow, revoke }) => ({
    iss,
    allow,
    in_words: describeAllow(allow),
    revoke,
  }));
  const minting = file.role === 'issuer' ? { iss: file.iss, relay: file.relay } : {};
  return {
    name,
    role: file.role,
    method: file.method,
    aud: file.aud,
    ...minting,
    keys: keysOf(file),
    issuers,
  };
}
