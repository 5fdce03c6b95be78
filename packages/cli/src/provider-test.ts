/** `relayapi providers test`: one tiny real call through a relay in this process, and what fails, told apart. */

import { RelayAPIClient } from 'relayapi-sdk';
import type { OneCallAnswer, Provider } from 'relayapi-server';
import { createRai, looksLikeKeyOf, parseRai, type RaiFile, Secret } from 'relayapi-token';
import { readParts, readVariable } from './key-source.ts';
import { done, isMisused, type Misused, misuse, type Outcome, type Refused, refuse } from './outcome.ts';
import { explainAnswer, type Tried } from './provider-failure.ts';
import { chooseProbe, type Probe } from './provider-probe.ts';
import { type KnownProviders, loadProviders, unknownProvider } from './provider-registry.ts';
import type { Terminal } from './terminal.ts';

/** What to try. */
export interface TestCommand {
  readonly id: string;
  /** Variable that holds the key. */
  readonly keyEnv: string | null;
  /** Variables by part. */
  readonly credentialEnv: Readonly<Record<string, unknown>> | null;
  readonly model: string | null;
  readonly vars: Readonly<Record<string, string>>;
  readonly base: string | null;
  readonly config: string | null;
}

/** A key, or a credential's parts. */
type Credential = { readonly apiKey: Secret } | { readonly credential: Readonly<Record<string, Secret>> };

/** Tries. */
export async function testProvider(command: TestCommand, terminal: Terminal): Promise<Outcome> {
  const known = await loadProviders(command.config, terminal);
  if ('kind' in known) return known;
  const entry = known.find(command.id);
  if (entry === null) return unknownProvider(command.id, known);
  if (!known.isOpen(entry)) {
    const fix = `say "providers": { "${entry.id}": { "enabled": true } } in config.json and give --config`;
    return refuse(entry.id, `is ${entry.status} and not enabled`, fix);
  }
  const strays = varsProblem(entry, command);
  if (strays !== null) return strays;
  const credential = readCredential(entry, command, terminal);
  if (isMisused(credential)) return credential;
  const probe = chooseProbe(entry, command.model, command.vars);
  if (probe === null) {
    return command.model === null
      ? misuse(`${entry.id} has no call that can be tried without a model; name one with --model`)
      : refuse(
          entry.id,
          'has no call that can be tried by itself',
          'mint a URL and try it with the provider’s SDK',
        );
  }
  return call({ entry, command, credential, probe, known });
}

/** Variables that the host needs and that were not given, or the other way round. */
function varsProblem(entry: Provider, { vars, base }: TestCommand): Misused | null {
  const known = Object.keys(entry.vars);
  const missing = known.filter((name) => !Object.hasOwn(vars, name));
  // a base URL replaces the host, and with it those of its variables
  if (base === null && missing.length > 0) {
    return misuse(`${entry.id} needs ${missing.map((name) => `--var ${name}=…`).join(' ')}`);
  }
  if (Object.keys(vars).every((name) => known.includes(name))) return null;
  const taken = known.length === 0 ? 'no --var' : `--var for ${known.join(', ')} alone`;
  return misuse(`${entry.id} takes ${taken}`);
}

function readCredential(
  entry: Provider,
  { keyEnv, credentialEnv }: TestCommand,
  { env }: Terminal,
): Credential | Misused {
  if (credentialEnv !== null) {
    const credential = readParts('--credential-env', credentialEnv, env);
    return isMisused(credential) ? credential : { credential };
  }
  if (keyEnv !== null) {
    const apiKey = readVariable('--key-env', keyEnv, env, 'set it');
    return isMisused(apiKey) ? apiKey : { apiKey };
  }
  // a token names some key, also for a provider that takes none
  if (entry.auth.kind === 'none') return { apiKey: new Secret('none') };
  const { credentialFields, otherCredentials } = entry;
  const plain = `--key-env ${entry.env ?? 'NAME'}`;
  if (credentialFields.join() === 'key') return misuse(`name the variable that holds the key: ${plain}`);
  const parts = credentialFields.map((part) => `--credential-env ${part}=NAME`).join(' ');
  const other = otherCredentials.some(({ fields }) => fields.join() === 'key') ? `, or ${plain}` : '';
  return misuse(`name the variables of its parts: ${parts}${other}`);
}

interface Trial {
  readonly entry: Provider;
  readonly command: TestCommand;
  readonly credential: Credential;
  readonly probe: Probe;
  readonly known: KnownProviders;
}

async function call(trial: Trial): Promise<Outcome> {
  const { entry, command, probe, known } = trial;
  const warnings: string[] = [];
  const sealed = seal(trial, (warning) => warnings.push(warning));
  if ('kind' in sealed) return sealed;
  const { callOnce, printable, redact } = await import('relayapi-server');
  const { method, path, body } = probe;
  const answer = await callOnce({ ...sealed, config: known.config, method, path, body });
  const said = maskedWords(saidBy(answer), trial.credential, (text) => redact(printable(text)));
  const tried = triedOf(trial, answer.origin, said);
  const failure = explainAnswer(answer, tried);
  const data = { provider: entry.id, method, path, status: answer.upstreamStatus };
  if (failure !== null) {
    const { kind, message, fix } = failure;
    const problem = { source: entry.id, path: '$', message, fix };
    return { kind: 'refused', problems: [problem], data: { ...data, fault: kind } };
  }
  const shown = `${entry.id}: ${tried.origin} answered ${method} ${path} with ${answer.upstreamStatus}\n`;
  return done(data, shown, [
    ...notesOf(probe, command.model, answer.upstreamStatus),
    ...warnings.map((warning) => `warning: ${inFlags(warning)}`),
  ]);
}

function notesOf({ kind }: Probe, model: string | null, status: number | null): string[] {
  if (kind === 'empty') {
    const what = status !== null && status >= 400 ? 'turned down as it should be' : 'taken';
    return [`An empty request was ${what}: host and TLS stand, and the key was not refused.`];
  }
  if (kind !== 'list') return [];
  const more = model === null ? 'name a model with --model to be sure' : 'it has no chat that could be tried';
  return [`Some providers show this list to anybody, so that it says little of the key; ${more}.`];
}

/** A token for this one call, and the key file that opens it: both live in this process alone. */
function seal(
  { entry, command: { vars, base }, credential }: Trial,
  onWarning: (warning: string) => void,
): { file: RaiFile; token: Secret } | Refused {
  const allow = {
    providers: [entry.id],
    hosts: base !== null && URL.canParse(base) ? [new URL(base).host] : [],
  };
  const made = createRai({ method: 'aes', relay: 'http://127.0.0.1/relayapi/', role: 'shared', allow });
  const file = parseRai((made as { shared: object }).shared);
  try {
    const client = new RelayAPIClient((made as { shared: object }).shared, { onWarning });
    const text = client.generateToken({
      provider: entry.id,
      ...credential,
      ...(Object.keys(vars).length > 0 && { vars }),
      ...(base !== null && { base }),
      maxCalls: 1,
      maxAttempts: 2,
      expireSeconds: 600,
    });
    return { file, token: new Secret(text) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(entry.id, inFlags(error.message), 'see relayapi providers test --help');
  }
}

const FLAGS: Readonly<Record<string, string>> = {
  apiKey: '--key-env',
  credential: '--credential-env',
  vars: '--var',
  base: '--base',
};

/** The SDK's message in terms of flags. */
function inFlags(message: string): string {
  const [, option = '', rest = message] = /^([A-Za-z]+)((?:\.|:)[\s\S]*)$/.exec(message) ?? [];
  return option === '' ? message : `${FLAGS[option] ?? option}${rest}`;
}

function triedOf({ entry, command, credential, probe }: Trial, called: string | null, said: string): Tried {
  const looksRight = 'apiKey' in credential ? looksLikeKeyOf(entry.id, credential.apiKey) : null;
  return {
    provider: entry.id,
    origin: called ?? entry.origin,
    probe,
    model: command.model,
    looksRight,
    said,
  };
}

const MOST_SAID = 160;

/** The message of an error body; '' where there is none of the provider's own. */
function saidBy({ body, denied }: OneCallAnswer): string {
  if (denied !== null || body.length > 65_536) return '';
  try {
    const read = JSON.parse(new TextDecoder().decode(body)) as Readonly<Record<string, unknown>> | null;
    const error = read?.['error'] as Readonly<Record<string, unknown>> | string | undefined;
    const found = [
      typeof error === 'object' ? error?.['message'] : error,
      read?.['message'],
      read?.['detail'],
    ];
    return found.find((each): each is string => typeof each === 'string') ?? '';
  } catch {
    return '';
  }
}

/** A provider may repeat the key, or a piece of it: its words are masked by form and searched for each part. */
function maskedWords(text: string, sent: Credential, mask: (text: string) => string): string {
  const parts = 'apiKey' in sent ? [sent.apiKey] : Object.values(sent.credential);
  const clean = parts.reduce((rest, part) => rest.replaceAll(part.reveal(), '[key]'), text);
  return mask(clean).replaceAll(/\s+/g, ' ').slice(0, MOST_SAID);
}
