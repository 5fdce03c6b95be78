/**
 * The command line of relayapi-server: every flag with one dash or two, values after a space or `=`, any config key by its dotted name.
 * Collects all mistakes instead of stopping at the first.
 */
import { CONFIG_KEYS } from '../../config/key-list.ts';
import { findKey } from '../../config/load-config.ts';
import { nearest } from '../../config/nearest.ts';
import type { ConfigProblem } from '../../config/problems.ts';

/** What was asked for. */
export interface Flags {
  /** File or folder; null: `./default.rai`. */
  readonly rai: string | null;
  readonly config: string | null;
  readonly debug: boolean;
  readonly demo: boolean;
  /** `HOST:PORT` or a URL: print a fresh `.rai` and end. */
  readonly gen: string | null;
  readonly allowShared: boolean;
  readonly raiGroupRead: boolean;
  readonly help: boolean;
  readonly version: boolean;
  /** Config keys by dotted name. */
  readonly keys: Readonly<Record<string, string>>;
  readonly problems: readonly ConfigProblem[];
}

const VALUES = { rai: 'rai', config: 'config', gen: 'gen' } as const;
const SWITCHES = {
  d: 'debug',
  debug: 'debug',
  demo: 'demo',
  'allow-shared': 'allowShared',
  'rai-group-read': 'raiGroupRead',
  h: 'help',
  help: 'help',
  v: 'version',
  version: 'version',
} as const;

/** Text of `-help`. */
export const USAGE = `relayapi-server -rai FILE_OR_FOLDER -config config.json [-d] [-demo] [-gen HOST:PORT]

  -rai FILE_OR_FOLDER   key file, or a folder of them (watched); without it ./default.rai, made if absent
  -config FILE          config file; without it the defaults hold
  -d                    debug logging
  -demo                 adds the demo provider and the try-it page, on loopback only
  -gen HOST:PORT        prints a fresh .rai for a relay at that address, and ends
  -allow-shared         lets a key file of role "shared" serve on more than loopback
  -rai-group-read       accepts key files that the group may read (container secrets)
  -KEY VALUE            sets a config key, such as -server.port 9000
  -help, -version       print and end

One dash and two both work. All keys: docs/options.md.
`;

function isValueFlag(name: string): name is keyof typeof VALUES {
  return Object.hasOwn(VALUES, name);
}

function isSwitch(name: string): name is keyof typeof SWITCHES {
  return Object.hasOwn(SWITCHES, name);
}

function unknownFlag(name: string): ConfigProblem {
  const dotted = name.includes('.') ? CONFIG_KEYS.map((key) => key.name) : [];
  const near = nearest(name, [...Object.keys(VALUES), ...Object.keys(SWITCHES), ...dotted]);
  return {
    source: 'command line',
    path: `-${name.slice(0, 64)}`,
    message: near ? `unknown flag; did you mean "-${near}"?` : 'unknown flag',
    fix: 'see relayapi-server -help',
  };
}

/** Reads the arguments after the program's name. */
export function parseFlags(argv: readonly string[]): Flags {
  const values: Partial<Record<string, string>> = {};
  const switches: Partial<Record<string, boolean>> = {};
  const keys: Record<string, string> = {};
  const problems: ConfigProblem[] = [];
  const fault = (path: string, message: string, fix: string) =>
    problems.push({ source: 'command line', path, message, fix });

  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] as string;
    const match = /^--?([A-Za-z][A-Za-z0-9_.-]*)(?:=([\s\S]*))?$/.exec(argument);
    if (!match) {
      // the text itself may be a secret given by mistake: it is not repeated
      fault(`argument ${index + 1}`, 'is no flag', 'flags begin with "-"; values follow theirs: -rai FILE');
      continue;
    }
    const name = match[1] as string;
    const inline = match[2];
    if (isSwitch(name)) {
      if (inline !== undefined && inline !== 'true' && inline !== 'false') {
        fault(`-${name}`, 'takes no value', `write -${name}`);
      }
      switches[SWITCHES[name]] = inline !== 'false';
      continue;
    }
    const key = findKey(name);
    if (!isValueFlag(name) && key === null) {
      problems.push(unknownFlag(name));
      // its value, if it has one, is not a second mistake
      if (inline === undefined && argv[index + 1] !== undefined && !argv[index + 1]?.startsWith('-'))
        index += 1;
      continue;
    }
    const next = argv[index + 1];
    const value =
      inline ?? (next !== undefined && (!next.startsWith('-') || /^-\d/.test(next)) ? next : undefined);
    if (value === undefined || value === '') {
      fault(
        `-${name}`,
        'needs a value',
        isValueFlag(name) ? `write -${name} ${HINTS[name]}` : `write -${name} VALUE`,
      );
      continue;
    }
    if (inline === undefined) index += 1;
    const target = isValueFlag(name) ? values : keys;
    if (Object.hasOwn(target, name)) fault(`-${name}`, 'stands twice', 'keep one');
    target[name] = value;
  }

  return {
    rai: values['rai'] ?? null,
    config: values['config'] ?? null,
    gen: values['gen'] ?? null,
    debug: switches['debug'] ?? false,
    demo: switches['demo'] ?? false,
    allowShared: switches['allowShared'] ?? false,
    raiGroupRead: switches['raiGroupRead'] ?? false,
    help: switches['help'] ?? false,
    version: switches['version'] ?? false,
    keys,
    problems,
  };
}

const HINTS = { rai: 'default.rai', config: 'config.json', gen: '127.0.0.1:8840' } as const;
