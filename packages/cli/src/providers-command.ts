/** The flags and help of `relayapi providers`. */
import type { Command } from 'commander';
import { add, type Given, type Settle, singles, texts, valued } from './command-parts.ts';
import { readPairs } from './mint-flags.ts';
import { isMisused, misuse } from './outcome.ts';
import { listProviders, showProvider } from './provider-list.ts';
import { testProvider } from './provider-test.ts';
import type { Terminal } from './terminal.ts';

const CONFIG = 'config of the relay, whose "providers" count too';

/** Adds the command and what stands below it. */
export function addProviders(program: Command, terminal: Terminal, settle: Settle): void {
  const providers = add(
    program,
    'providers',
    'List the providers that a relay knows, and try one with your key.',
  )
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions();
  addList(providers, terminal, settle);
  addShow(providers, terminal, settle);
  addTest(providers, terminal, settle);
}

function addList(providers: Command, terminal: Terminal, settle: Settle): void {
  const finish = async (search: string | null, given: Given) => {
    const read = singles(given, { config: '--config' });
    settle(isMisused(read) ? read : await listProviders({ search, config: read.config ?? null }, terminal));
  };
  add(providers, 'list', 'List all: id, name, base URL, credential, status.')
    .addOption(valued('--config <FILE>', CONFIG))
    .action((given: Given) => finish(null, given));
  add(providers, 'search', 'List those whose id, name or host holds a text.')
    .argument('<text>', 'a part of an id, a name or a host')
    .addOption(valued('--config <FILE>', CONFIG))
    .action((text: string, given: Given) => finish(text, given));
}

function addShow(providers: Command, terminal: Terminal, settle: Settle): void {
  add(providers, 'show', 'Show one: hosts, credential, what its keys look like, endpoints.')
    .argument('<id>', 'its id or another of its names')
    .addOption(valued('--config <FILE>', CONFIG))
    .action(async (id: string, given: Given) => {
      const read = singles(given, { config: '--config' });
      settle(isMisused(read) ? read : await showProvider({ id, config: read.config ?? null }, terminal));
    });
}

const TEST_HELP = `
The call goes through a relay in this process, with its rules on addresses and paths, and a fresh token that nobody else sees.
With --model it is a chat of one token where there is a chat; without, the model list, or the cheapest call that the provider has.

Examples:
  relayapi providers test groq --key-env GROQ_API_KEY --model llama-3.1-8b-instant
  relayapi providers test amazon-bedrock --credential-env access_key_id=AWS_ACCESS_KEY_ID \\
    --credential-env secret_access_key=AWS_SECRET_ACCESS_KEY --var region=eu-central-1 --model MODEL

Exit 0: the provider answered. Exit 1: it did not, and what is at fault: DNS, connection, TLS, the relay's own rules, key, model or
path, quota, the provider itself, its answer.
`;

function addTest(providers: Command, terminal: Terminal, settle: Settle): void {
  add(providers, 'test', 'Make one tiny real call to a provider and say what fails, if anything does.')
    .argument('<id>', 'its id or another of its names')
    .addOption(valued('--key-env <NAME>', 'variable that holds the key'))
    .addOption(valued('--credential-env <PART=NAME>', 'variables of a credential of several parts'))
    .addOption(valued('--model <MODEL>', 'model to ask'))
    .addOption(
      valued(
        '--var <NAME=VALUE>',
        'variables of the provider’s host, such as resource=my-resource for azure',
      ),
    )
    .addOption(valued('--base <URL>', 'another base URL (https)'))
    .addOption(valued('--config <FILE>', CONFIG))
    .addHelpText('after', TEST_HELP)
    .action(async (id: string, given: Given) => {
      const flags = { keyEnv: '--key-env', model: '--model', base: '--base', config: '--config' };
      const read = singles(given, flags);
      if (isMisused(read)) return settle(read);
      const pairs = (flag: string, name: string) =>
        readPairs(
          flag,
          texts(given, name).flatMap((text) => text.split(',')),
          (text) => text,
        );
      const vars = pairs('--var', 'var');
      if (isMisused(vars)) return settle(vars);
      const credentialEnv = pairs('--credential-env', 'credentialEnv');
      if (isMisused(credentialEnv)) return settle(credentialEnv);
      const hasParts = Object.keys(credentialEnv).length > 0;
      if (hasParts && read.keyEnv !== undefined)
        return settle(misuse('give one of --key-env and --credential-env'));
      settle(
        await testProvider(
          {
            id,
            keyEnv: read.keyEnv ?? null,
            credentialEnv: hasParts ? credentialEnv : null,
            model: read.model ?? null,
            vars: vars as Readonly<Record<string, string>>,
            base: read.base ?? null,
            config: read.config ?? null,
          },
          terminal,
        ),
      );
    });
}
