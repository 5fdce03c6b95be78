/**
 * The command line: commands, flags, help. The only file that knows commander; what a command does stands in its own file.
 */
import { existsSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import pkg from '../package.json' with { type: 'json' };
import { normaliseArguments, refuseKeyArgument } from './argv.ts';
import { check } from './check.ts';
import { checkSecrets } from './check-secrets.ts';
import { type Given, single, singles, texts } from './flag-texts.ts';
import { init } from './init.ts';
import { inspect } from './inspect.ts';
import { mint } from './mint.ts';
import { MINT_FLAGS, readCount, readList } from './mint-flags.ts';
import { EXIT_CODES, isMisused, type Misused, misuse, type Outcome, report } from './outcome.ts';
import { PROVIDER_COMMANDS, PROVIDERS_SUMMARY } from './providers-command.ts';
import { revoke } from './revoke.ts';
import { rotate } from './rotate.ts';
import type { Terminal } from './terminal.ts';
import { parseTime } from './times.ts';
import { upgrade } from './upgrade.ts';

const DEFAULT_RAI = './default.rai';
const DEFAULT_CONFIG = './config.json';
const DEFAULT_HOST = 'http://127.0.0.1:8840/relayapi/';

/** Runs one command line (without the program's name); resolves with its exit code and never rejects for what a user wrote. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const json = normaliseArguments(argv).includes('--json');
  const refusal = refuseKeyArgument(argv);
  if (refusal !== null) return report(refusal, terminal, json);
  let outcome: Outcome | null = null;
  const program = createProgram(terminal, (result) => {
    outcome = result;
  });
  try {
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync(normaliseArguments(argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT_CODES.done;
    if (error.code === 'commander.help') return EXIT_CODES.misused;
    outcome = misuse(withoutValues(error.message));
  }
  return outcome === null ? EXIT_CODES.done : report(outcome, terminal, json);
}

/** Commander repeats what it did not understand, which can be a key: only what looks like a mistyped word is kept. */
function withoutValues(message: string): string {
  const [, text = '', , suggestion] =
    /^(?:error: )?([\s\S]*?)(\n\(Did you mean (.*)\?\))?$/.exec(message) ?? [];
  const told = text
    .replace(/'(--?[A-Za-z0-9-]*)=[\s\S]*'/, "'$1'")
    .replace(/(but got \d+): [\s\S]*$/, '$1')
    .replace(/^(unknown (?:option|command)) '([\s\S]*)'$/, (whole, what: string, name: string) =>
      suggestion !== undefined || (/^-{0,2}[a-z]+(?:-[a-z]+)?$/.test(name) && name.length <= 16)
        ? whole
        : what,
    );
  return `${told}; ${suggestion === undefined ? 'see relayapi --help' : `did you mean ${suggestion}?`}`;
}

function createProgram(terminal: Terminal, settle: (outcome: Outcome) => void): Command {
  const program = new Command('relayapi')
    .description('Makes, inspects and looks after RelayAPI key files and sealed URLs.')
    .version(pkg.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--json', 'print results as one JSON object')
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => terminal.stdout(text),
      writeErr: (text) => terminal.stderr(text),
      outputError: () => {},
    })
    .exitOverride()
    .addHelpText('after', AFTER_HELP);
  addMint(program, 'url', terminal, settle);
  addMint(program, 'token', terminal, settle);
  addInspect(program, terminal, settle);
  addInit(program, settle);
  addUpgrade(program, settle);
  addRotate(program, terminal, settle);
  addRevoke(program, terminal, settle);
  addCheck(program, terminal, settle);
  addProviders(program, terminal, settle);
  return program;
}

const AFTER_HELP = `
Results go to standard output, words for people to standard error.
Exit codes: 0 done, 1 refused, 2 the command line was not understood.

Start with:
  relayapi init --host https://relay.example.com/relayapi/
  relayapi url --rai issuer.rai --api-key-env OPENAI_API_KEY --max-calls 20
`;

/** A command with what all have. */
function add(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .helpOption('-h, --help', 'print this help')
    .option('--json', 'print the result as one JSON object');
}

/** A flag with a value, collected as often as it stands. */
function valued(flags: string, help: string, group?: string): Option {
  const option = new Option(flags, help).argParser((text: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    text,
  ]);
  return group === undefined ? option : option.helpGroup(group);
}

function raiOption(help: string): Option {
  return valued('--rai <FILE>', help);
}

const GROUP_READ = ['--rai-group-read', 'accept key files that the group may read'] as const;

function readMethod(text: string | undefined): 'aes' | 'ecc' | Misused {
  if (text === undefined || text === 'aes') return 'aes';
  return text === 'ecc' ? 'ecc' : misuse('--method takes aes or ecc');
}

type Settle = (outcome: Outcome) => void;

function addMint(program: Command, form: 'url' | 'token', terminal: Terminal, settle: Settle): void {
  const what =
    form === 'url'
      ? 'a sealed URL, to be used as base URL of any SDK'
      : 'the sealed token alone, for a header';
  const command = add(program, form, `Print ${what}.`)
    .addOption(raiOption(`the issuer's or a shared file (default: ${DEFAULT_RAI})`))
    .option(...GROUP_READ);
  for (const { flag, value, help, group } of MINT_FLAGS)
    command.addOption(valued(`${flag} <${value}>`, help, group));
  command.addHelpText(
    'after',
    `
A LIST is comma-separated, or the flag is repeated. A key is read from a variable or from standard input, never from an argument.

Examples:
  relayapi ${form} --api-key-env OPENAI_API_KEY --max-calls 20 --expire-seconds 600
  pass show anthropic | relayapi ${form} --provider anthropic --allowed-models 'claude-*' --rate-limit 10/60
  relayapi ${form} --vault main --set model=gpt-4o-mini --cap max_tokens=1024
`,
  );
  command.action(async (given: Given) => {
    const rai = single(given, 'rai', '--rai');
    if (isMisused(rai)) return settle(rai);
    const byOption = MINT_FLAGS.map(({ option, flag }) => [option, texts(given, camel(flag))] as const);
    const groupRead = given['raiGroupRead'] === true;
    settle(
      await mint({ form, rai: rai ?? DEFAULT_RAI, groupRead, texts: Object.fromEntries(byOption) }, terminal),
    );
  });
}

/** `--api-key-env` as commander names it: `apiKeyEnv`. */
function camel(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function addInspect(program: Command, terminal: Terminal, settle: Settle): void {
  add(
    program,
    'inspect',
    'Show what stands in a token, with the key masked, and whether a relay would take it now.',
  )
    .argument('[url-or-token]', 'a URL or token; "-" or nothing reads it from standard input')
    .addOption(
      raiOption(`key file of the relay, an aes issuer's file, or a folder (default: ${DEFAULT_RAI})`),
    )
    .option(...GROUP_READ)
    .addHelpText(
      'after',
      '\nEnds with 0 when the token could be opened, also when it has expired or was revoked.\n',
    )
    .action(async (subject: string | undefined, given: Given) => {
      const rai = single(given, 'rai', '--rai');
      if (isMisused(rai)) return settle(rai);
      const groupRead = given['raiGroupRead'] === true;
      settle(await inspect({ subject: subject ?? null, rai: rai ?? DEFAULT_RAI, groupRead }, terminal));
    });
}

function addInit(program: Command, settle: Settle): void {
  const group = 'What the relay will grant:';
  add(program, 'init', 'Make fresh key files: issuer.rai for the backend and relay.rai for the relay.')
    .addOption(
      valued(
        '--method <aes|ecc>',
        'aes: one shared key; ecc: the relay cannot mint, the backend cannot read (default: aes)',
      ),
    )
    .addOption(valued('--host <URL>', `address of the relay, or its host:port (default: ${DEFAULT_HOST})`))
    .addOption(valued('--out <DIR>', 'folder for the files, made if absent (default: here)'))
    .option('--shared', 'one file for both sides, default.rai, for a relay on this machine')
    .addOption(
      valued('--iss <NAME>', 'name of the issuer; each pair of one relay needs its own (default: default)'),
    )
    .addOption(valued('--aud <NAME>', 'id of the relay (default: its host)'))
    .addOption(valued('--allow-providers <LIST>', 'providers (default: all of the registry)', group))
    .addOption(valued('--allow-vault <LIST>', 'keys that stay at the relay (default: none)', group))
    .addOption(
      valued('--require <LIST>', 'claims and limits that every token must carry, such as calls', group),
    )
    .addOption(valued('--max-ttl-seconds <N>', 'longest life of a token (default: 86400)', group))
    .addOption(valued('--max-calls <N>', 'most calls of one token', group))
    .addHelpText('after', '\nFiles get mode 0600. What is there already is never overwritten.\n')
    .action((given: Given) => {
      const read = singles(given, {
        method: '--method',
        host: '--host',
        out: '--out',
        iss: '--iss',
        aud: '--aud',
      });
      if (isMisused(read)) return settle(read);
      const method = readMethod(read.method);
      if (isMisused(method)) return settle(method);
      const allow = readAllow(given);
      if (isMisused(allow)) return settle(allow);
      const shared = given['shared'] === true;
      if (shared && method === 'ecc')
        return settle(misuse('--shared is for method aes; ecc files come as a pair'));
      const { iss, aud } = read;
      settle(
        init({ method, host: read.host ?? DEFAULT_HOST, out: read.out ?? '.', shared, iss, aud, allow }),
      );
    });
}

function readAllow(given: Given): Record<string, unknown> | Misused {
  const allow: Record<string, unknown> = {};
  const lists = { allowProviders: 'providers', allowVault: 'vault', require: 'require' };
  for (const [name, member] of Object.entries(lists)) {
    if (given[name] !== undefined) allow[member] = readList(texts(given, name));
  }
  const counts = singles(given, { maxTtlSeconds: '--max-ttl-seconds', maxCalls: '--max-calls' });
  if (isMisused(counts)) return counts;
  for (const [text, flag, member, least] of [
    [counts.maxTtlSeconds, '--max-ttl-seconds', 'max_ttl_seconds', 1],
    [counts.maxCalls, '--max-calls', 'max_calls', 0],
  ] as const) {
    if (text === undefined) continue;
    const value = readCount(flag, text, least);
    if (isMisused(value)) return value;
    allow[member] = value;
  }
  return allow;
}

function addUpgrade(program: Command, settle: Settle): void {
  add(program, 'upgrade', 'Make a version 2 pair for what a version 1 file described, with fresh keys.')
    .argument('<file>', 'the version 1 file; it is left as it is')
    .addOption(valued('--method <aes|ecc>', 'method of the new pair (default: aes)'))
    .addOption(valued('--host <URL>', 'address of the relay, where the old file’s is outdated'))
    .addOption(valued('--out <DIR>', 'folder for the new files (default: that of the old one)'))
    .addOption(valued('--iss <NAME>', 'name of the issuer (default: default)'))
    .action((file: string, given: Given) => {
      const read = singles(given, { method: '--method', host: '--host', out: '--out', iss: '--iss' });
      if (isMisused(read)) return settle(read);
      const method = readMethod(read.method);
      if (isMisused(method)) return settle(method);
      settle(upgrade({ file, method, host: read.host, out: read.out, iss: read.iss }));
    });
}

function addRotate(program: Command, terminal: Terminal, settle: Settle): void {
  add(
    program,
    'rotate',
    'Put a new key into a pair of files, or a shared one; the old key is accepted for a while.',
  )
    .argument('[files...]', `the relay's and the issuer's file, or a shared one (default: ${DEFAULT_RAI})`)
    .addOption(raiOption('the same as an argument; may be repeated'))
    .addOption(
      valued(
        '--grace-seconds <N>',
        'time for backends to switch, beside the longest life of a token (default: 86400)',
      ),
    )
    .addOption(valued('--keys <enc|sig|both>', 'ecc: which keys (default: both)'))
    .option(...GROUP_READ)
    .action(async (positional: readonly string[], given: Given) => {
      const read = singles(given, { graceSeconds: '--grace-seconds', keys: '--keys' });
      if (isMisused(read)) return settle(read);
      const graceSeconds =
        read.graceSeconds === undefined ? undefined : readCount('--grace-seconds', read.graceSeconds, 0);
      if (isMisused(graceSeconds)) return settle(graceSeconds);
      const { keys } = read;
      if (keys !== undefined && keys !== 'enc' && keys !== 'sig' && keys !== 'both') {
        return settle(misuse('--keys takes enc, sig or both'));
      }
      const named = [...positional, ...texts(given, 'rai')];
      const files = named.length > 0 ? named : [DEFAULT_RAI];
      settle(
        await rotate({
          files,
          graceSeconds,
          keys,
          groupRead: given['raiGroupRead'] === true,
          now: terminal.now(),
        }),
      );
    });
}

function addRevoke(program: Command, terminal: Terminal, settle: Settle): void {
  add(program, 'revoke', 'Take tokens back: the relay refuses them from then on and ends their streams.')
    .addOption(raiOption(`the relay's or a shared file (default: ${DEFAULT_RAI})`))
    .addOption(valued('--jti <LIST>', 'tokens, by id'))
    .addOption(
      valued('--sub <NAME>', 'tokens of a subject, issued until now or before --before; may be repeated'),
    )
    .addOption(valued('--kid <LIST>', 'tokens of these keys'))
    .addOption(
      valued('--before <TIME>', 'tokens issued earlier; seconds since 1970, or 2026-11-20T12:00:00Z'),
    )
    .option('--all', 'every token issued until now')
    .addOption(valued('--iss <NAME>', 'this issuer alone, in a file with several'))
    .option(...GROUP_READ)
    .action(async (given: Given) => {
      const read = singles(given, { rai: '--rai', before: '--before', iss: '--iss' });
      if (isMisused(read)) return settle(read);
      const before = read.before === undefined ? undefined : parseTime(read.before);
      if (before === null)
        return settle(misuse('--before takes seconds since 1970, or a time such as 2026-11-20T12:00:00Z'));
      const command = {
        rai: read.rai ?? DEFAULT_RAI,
        jti: readList(texts(given, 'jti')),
        sub: texts(given, 'sub'),
        kid: readList(texts(given, 'kid')),
        before,
        all: given['all'] === true,
        iss: read.iss,
        groupRead: given['raiGroupRead'] === true,
        now: terminal.now(),
      };
      settle(await revoke(command));
    });
}

function addProviders(program: Command, terminal: Terminal, settle: Settle): void {
  const providers = add(program, 'providers', PROVIDERS_SUMMARY)
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions();
  for (const { name, summary, argument, flags, help, run: runCommand } of PROVIDER_COMMANDS) {
    const command = add(providers, name, summary);
    if (argument !== null) command.argument(...argument);
    for (const flag of flags) command.addOption(valued(...flag));
    if (help !== null) command.addHelpText('after', help);
    // commander hands over the arguments, the flags and the command
    command.action(async (...handed: unknown[]) => {
      const subject = argument === null ? '' : String(handed[0]);
      settle(await runCommand(subject, handed.at(-2) as Given, terminal));
    });
  }
}

function addCheck(program: Command, terminal: Terminal, settle: Settle): void {
  add(
    program,
    'check',
    'Check config and key files without starting, and say in words what they grant; or look for keys and tokens in logs.',
  )
    .argument('[logs...]', 'with --secrets: the logs, plain or packed; "-" is standard input')
    .addOption(
      valued(
        '--config <FILE>',
        `config of the relay (default: ${DEFAULT_CONFIG}, if there and no --rai is given)`,
      ),
    )
    .addOption(
      valued(
        '--rai <FILE>',
        `key file, or a folder of them (default: ${DEFAULT_RAI}, if there and no --config is given)`,
      ),
    )
    .option('--skip-secrets', 'do not ask for the keys that config names, on a machine that has none of them')
    .option('--secrets', 'look for keys and tokens in logs instead; --config and --rai name your own')
    .option('--import', 'first take WebCrypto’s ext and key_ops out of the key files')
    .option('--allow-shared', 'as the server’s flag: a shared file on more than loopback')
    .option(...GROUP_READ)
    .addHelpText('after', CHECK_HELP)
    .action(async (logs: readonly string[], given: Given) => {
      const read = singles(given, { config: '--config', rai: '--rai' });
      if (isMisused(read)) return settle(read);
      if (given['secrets'] === true) return settle(await lookForSecrets(logs, read, given, terminal));
      if (logs.length > 0)
        return settle(misuse('check takes no files by themselves; see relayapi check --help'));
      const named = read.config !== undefined || read.rai !== undefined;
      const config = read.config ?? (!named && existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : null);
      const rai = read.rai ?? (!named && existsSync(DEFAULT_RAI) ? DEFAULT_RAI : null);
      if (config === null && rai === null)
        return settle(misuse('nothing to check here; name --config FILE, --rai FILE or both'));
      if (given['import'] === true && rai === null) return settle(misuse('--import needs --rai FILE'));
      const flags = { groupRead: given['raiGroupRead'] === true, allowShared: given['allowShared'] === true };
      const secrets = given['skipSecrets'] !== true;
      settle(await check({ config, rai, ...flags, secrets, import: given['import'] === true }, terminal));
    });
}

const CHECK_HELP = `
With --secrets it tells file, line, column and kind, and never shows what it found: exit 0 nothing found, 1 found.
  relayapi check --secrets /var/log/nginx/access.log*
  relayapi check --secrets --config config.json --rai relay.rai relay.log
  journalctl -u relayapi | relayapi check --secrets -
`;

async function lookForSecrets(
  logs: readonly string[],
  { config, rai }: { readonly config?: string; readonly rai?: string },
  given: Given,
  terminal: Terminal,
): Promise<Outcome> {
  const others = { import: '--import', skipSecrets: '--skip-secrets', allowShared: '--allow-shared' };
  const other = Object.entries(others).find(([name]) => given[name] === true);
  if (other) return misuse(`${other[1]} does not go with --secrets`);
  if (logs.length === 0) return misuse('--secrets takes the logs to look through; "-" is standard input');
  if (logs.filter((name) => name === '-').length > 1) return misuse('standard input stands twice; keep one');
  const groupRead = given['raiGroupRead'] === true;
  return checkSecrets({ files: logs, config: config ?? null, rai: rai ?? null, groupRead }, terminal);
}
