/**
 * `relayapi url` and `relayapi token`: a sealed URL, or its token alone, by the SDK. What the SDK refuses is refused here.
 */
import { type GenerateOptions, RelayAPIClient, type UpstreamOptions } from 'relayapi-sdk';
import { RaiError } from 'relayapi-token';
import { readKeyFromStdin, readParts, readVariable } from './key-source.ts';
import { MINT_FLAGS, splitOptionMessage } from './mint-flags.ts';
import { done, isMisused, type Misused, misuse, type Outcome, refuse, refuseRai } from './outcome.ts';
import type { Terminal } from './terminal.ts';
import { formatTime } from './times.ts';

/** What to mint. */
export interface MintCommand {
  readonly form: 'url' | 'token';
  readonly rai: string;
  readonly groupRead: boolean;
  /** The texts after each flag of MINT_FLAGS that was given, by option. */
  readonly texts: Readonly<Partial<Record<keyof GenerateOptions, readonly string[]>>>;
}

/** Mints. Keys are read last, so that nothing waits for one in vain. */
export async function mint(command: MintCommand, terminal: Terminal): Promise<Outcome> {
  const plain = readTexts(command.texts);
  if (isMisused(plain)) return plain;
  const warnings: string[] = [];
  const onWarning = (warning: string) => void warnings.push(warning);
  let client: RelayAPIClient;
  try {
    client = new RelayAPIClient(command.rai, { allowGroupRead: command.groupRead, onWarning });
  } catch (error) {
    if (error instanceof RaiError) return refuseRai(command.rai, error);
    if (!(error instanceof TypeError)) throw error;
    return refuse(
      command.rai,
      'is the relay’s file, which cannot mint',
      'give the issuer’s or a shared file',
    );
  }
  const options = await addKeys(plain, terminal);
  if (isMisused(options)) return options;
  const expires = terminal.now() + (options.expireSeconds ?? 3600);
  let text: string;
  try {
    text = command.form === 'url' ? client.generateUrl(options) : client.generateToken(options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const { flag, reason } = splitOptionMessage(error.message);
    return refuse(flag || command.rai, reason, 'see relayapi url --help');
  }
  const notes = [summary(options, expires), ...warnings.map(asFlagWarning)];
  return done({ [command.form]: text, expires_at: expires }, `${text}\n`, notes);
}

function asFlagWarning(warning: string): string {
  const { flag, reason } = splitOptionMessage(warning);
  return flag === '' ? `warning: ${reason}` : `warning: ${flag}: ${reason}`;
}

function summary(options: GenerateOptions, expires: number): string {
  const calls = options.maxCalls === null ? 'any number of calls' : `${options.maxCalls ?? 100} calls`;
  const provider = options.upstreams?.[0]?.provider ?? options.provider ?? 'openai';
  return `sealed for ${provider}: ${calls}, until ${formatTime(expires)}`;
}

/** Flags as options, still without any key: where one belongs stands what names it. */
function readTexts(texts: MintCommand['texts']): Record<string, unknown> | Misused {
  const options: Record<string, unknown> = {};
  for (const { option, read } of MINT_FLAGS) {
    const given = texts[option];
    if (given === undefined || given.length === 0) continue;
    const value = read(given);
    if (isMisused(value)) return value;
    options[option] = value;
  }
  const sources = ['apiKey', 'credential', 'vault', 'upstreams'].filter((name) => name in options);
  if (sources.length > 1) {
    return misuse('give one of --api-key-env, --credential-env, --vault and --upstreams');
  }
  return options;
}

async function addKeys(
  plain: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<GenerateOptions | Misused> {
  if ('vault' in plain) return plain as GenerateOptions;
  if ('upstreams' in plain) {
    const upstreams = readUpstreams(plain['upstreams'], terminal.env);
    return isMisused(upstreams) ? upstreams : ({ ...plain, upstreams } as GenerateOptions);
  }
  if ('credential' in plain) {
    const names = plain['credential'] as Record<string, unknown>;
    const credential = readParts('--credential-env', names, terminal.env);
    return isMisused(credential) ? credential : ({ ...plain, credential } as GenerateOptions);
  }
  const apiKey =
    'apiKey' in plain
      ? readVariable('--api-key-env', plain['apiKey'], terminal.env)
      : await readKeyFromStdin(terminal);
  return isMisused(apiKey) ? apiKey : ({ ...plain, apiKey } as GenerateOptions);
}

const UPSTREAM_MEMBERS = ['provider', 'apiKeyEnv', 'credentialEnv', 'vault', 'vars', 'base'];

function readUpstreams(value: unknown, env: Terminal['env']): UpstreamOptions[] | Misused {
  if (!Array.isArray(value))
    return misuse('--upstreams takes a list: [{"provider":"openai","apiKeyEnv":"OPENAI_API_KEY"}]');
  const upstreams: UpstreamOptions[] = [];
  for (const entry of value as readonly unknown[]) {
    const upstream = readUpstream(entry, env);
    if (isMisused(upstream)) return upstream;
    upstreams.push(upstream);
  }
  return upstreams;
}

function readUpstream(entry: unknown, env: Terminal['env']): UpstreamOptions | Misused {
  const known = typeof entry === 'object' && entry !== null && !Array.isArray(entry);
  if (!known || Object.keys(entry).some((name) => !UPSTREAM_MEMBERS.includes(name))) {
    return misuse(
      `an entry of --upstreams is an object with some of ${UPSTREAM_MEMBERS.join(', ')}; keys are named, never written`,
    );
  }
  const { apiKeyEnv, credentialEnv, ...rest } = entry as Record<string, unknown>;
  const upstream: UpstreamOptions = { ...rest };
  if (apiKeyEnv !== undefined) {
    const apiKey = readVariable('"apiKeyEnv"', apiKeyEnv, env);
    if (isMisused(apiKey)) return apiKey;
    upstream.apiKey = apiKey;
  }
  if (credentialEnv !== undefined) {
    if (typeof credentialEnv !== 'object' || credentialEnv === null)
      return misuse('"credentialEnv" takes an object of parts and variables');
    const credential = readParts('"credentialEnv"', credentialEnv as Record<string, unknown>, env);
    if (isMisused(credential)) return credential;
    upstream.credential = credential;
  }
  return upstream;
}
