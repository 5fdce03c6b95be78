/** The commands below `relayapi providers`: flags and help as data for program.ts, and how their values are read. */
import { type Given, singles, texts } from './flag-texts.ts';
import { readPairs } from './mint-flags.ts';
import { isMisused, misuse, type Outcome } from './outcome.ts';
import { listProviders, showProvider } from './provider-list.ts';
import { testProvider } from './provider-test.ts';
import type { Terminal } from './terminal.ts';

/** One command. */
export interface ProviderCommand {
  readonly name: string;
  readonly summary: string;
  /** How its one argument is written, and what it is; null for none. */
  readonly argument: readonly [written: string, help: string] | null;
  /** Flags with a value. */
  readonly flags: readonly (readonly [written: string, help: string])[];
  /** Behind the help; null for nothing. */
  readonly help: string | null;
  /** `subject` is the argument, '' where there is none. */
  readonly run: (subject: string, given: Given, terminal: Terminal) => Promise<Outcome>;
}

/** What the whole command is for. */
export const PROVIDERS_SUMMARY = 'List the providers that a relay knows, and try one with your key.';

const CONFIG = ['--config <FILE>', 'config of the relay, whose "providers" count too'] as const;

const TEST_HELP = `
The call goes through a relay in this process, with its rules on addresses and paths, and a fresh token that nobody else sees.
With --model it is a chat of one token where there is a chat; without, the model list; else an empty request, which is turned down
and yet shows whether host, TLS and key stand.

Examples:
  relayapi providers test groq --key-env GROQ_API_KEY --model llama-3.1-8b-instant
  relayapi providers test amazon-bedrock --credential-env access_key_id=AWS_ACCESS_KEY_ID \\
    --credential-env secret_access_key=AWS_SECRET_ACCESS_KEY --var region=eu-central-1 --model MODEL

Exit 0: the provider answered. Exit 1: it did not, and what is at fault: DNS, connection, TLS, the relay's own rules, key, model or
path, quota, the provider itself, its answer.
`;

/** The commands, in the order of the help. */
export const PROVIDER_COMMANDS: readonly ProviderCommand[] = [
  {
    name: 'list',
    summary: 'List all: id, name, base URL, credential, status.',
    argument: null,
    flags: [CONFIG],
    help: null,
    run: (_, given, terminal) => runList(null, given, terminal),
  },
  {
    name: 'search',
    summary: 'List those whose id, name or host holds a text.',
    argument: ['<text>', 'a part of an id, a name or a host'],
    flags: [CONFIG],
    help: null,
    run: runList,
  },
  {
    name: 'show',
    summary: 'Show one: hosts, credential, what its keys look like, endpoints.',
    argument: ['<id>', 'its id or another of its names'],
    flags: [CONFIG],
    help: null,
    run: runShow,
  },
  {
    name: 'test',
    summary: 'Make one tiny real call to a provider and say what fails, if anything does.',
    argument: ['<id>', 'its id or another of its names'],
    flags: [
      ['--key-env <NAME>', 'variable that holds the key'],
      ['--credential-env <PART=NAME>', 'variables of a credential of several parts'],
      ['--model <MODEL>', 'model to ask'],
      ['--var <NAME=VALUE>', 'variables of the provider’s host, such as resource=my-resource for azure'],
      ['--base <URL>', 'another base URL (https)'],
      CONFIG,
    ],
    help: TEST_HELP,
    run: runTest,
  },
];

async function runList(search: string | null, given: Given, terminal: Terminal): Promise<Outcome> {
  const read = singles(given, { config: '--config' });
  return isMisused(read) ? read : listProviders({ search, config: read.config ?? null }, terminal);
}

async function runShow(id: string, given: Given, terminal: Terminal): Promise<Outcome> {
  const read = singles(given, { config: '--config' });
  return isMisused(read) ? read : showProvider({ id, config: read.config ?? null }, terminal);
}

async function runTest(id: string, given: Given, terminal: Terminal): Promise<Outcome> {
  const flags = { keyEnv: '--key-env', model: '--model', base: '--base', config: '--config' };
  const read = singles(given, flags);
  if (isMisused(read)) return read;
  const vars = pairsOf('--var', texts(given, 'var'));
  if (isMisused(vars)) return vars;
  const parts = pairsOf('--credential-env', texts(given, 'credentialEnv'));
  if (isMisused(parts)) return parts;
  const hasParts = Object.keys(parts).length > 0;
  if (hasParts && read.keyEnv !== undefined) return misuse('give one of --key-env and --credential-env');
  const { keyEnv = null, model = null, base = null, config = null } = read;
  const credentialEnv = hasParts ? parts : null;
  return testProvider(
    { id, keyEnv, credentialEnv, model, vars: vars as Readonly<Record<string, string>>, base, config },
    terminal,
  );
}

function pairsOf(flag: string, given: readonly string[]) {
  return readPairs(
    flag,
    given.flatMap((text) => text.split(',')),
    (text) => text,
  );
}
