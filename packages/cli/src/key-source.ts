/**
 * Where a provider's key comes from: a variable of the environment or standard input, never an argument.
 * Messages name neither the key nor the variable, since a key may have been written in the variable's place.
 */
import { Secret } from 'relayapi-token';
import { isMisused, type Misused, misuse } from './outcome.ts';
import type { Terminal } from './terminal.ts';

/** The key in a variable. `flag` and `fix` are for messages. */
export function readVariable(
  flag: string,
  name: unknown,
  env: Terminal['env'],
  fix = 'set it, or write the key to standard input',
): Secret | Misused {
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return misuse(`${flag} takes the name of a variable, such as OPENAI_API_KEY, not the key itself`);
  }
  const value = env[name];
  if (value === undefined || value === '') {
    return misuse(`the variable that ${flag} names is not set; ${fix}`);
  }
  return secretOf(value, 'the variable');
}

/** The key on standard input. */
export async function readKeyFromStdin(terminal: Terminal): Promise<Secret | Misused> {
  if (terminal.stdinIsTerminal) {
    return misuse(
      'no key: a key is not typed here, where it would stay on the screen; name a variable with ' +
        '--api-key-env NAME, pipe it in (pass show openai | relayapi url), or use --vault NAME',
    );
  }
  const text = await terminal.readStdin();
  if (text === null) return misuse('standard input is too long to be a key');
  if (text.trim() === '') {
    return misuse(
      'no key on standard input; pipe it in, name a variable with --api-key-env NAME, or use --vault NAME',
    );
  }
  return secretOf(text, 'standard input');
}

/** A value read from outside, its last line break dropped. */
function secretOf(text: string, where: string): Secret | Misused {
  const line = text.replace(/\r?\n$/, '');
  // of a private key the SDK takes the lines off
  if (/[\r\n]/.test(line) && !/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(line))
    return misuse(`${where} holds more than one line; give the key alone`);
  return new Secret(line);
}

/** `PART=VARIABLE` pairs as the parts of a credential. */
export function readParts(
  flag: string,
  names: Readonly<Record<string, unknown>>,
  env: Terminal['env'],
): Record<string, Secret> | Misused {
  const parts: Record<string, Secret> = {};
  for (const [part, name] of Object.entries(names)) {
    const secret = readVariable(flag, name, env);
    if (isMisused(secret)) return secret;
    parts[part] = secret;
  }
  return parts;
}
