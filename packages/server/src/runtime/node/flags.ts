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

interface Reading {
  readonly values: Record<string, string>;
  readonly switches: Record<string, boolean>;
  readonly keys: Record<string, string>;
  readonly problems: ConfigProblem[];
}

const HINTS = { rai: 'default.rai', config: 'config.json', gen: '127.0.0.1:8840' } as const;

function readSwitch(reading: Reading, name: keyof typeof SWITCHES, inline: string | undefined): void {
  if (inline !== undefined && inline !== 'true' && inline !== 'false') {
    reading.problems.push(fault(`-${name}`, 'takes no value', `write -${name}`));
  }
  reading.switches[SWITCHES[name]] = inline !== 'false';
}

function fault(path: string, message: string, fix: string): ConfigProblem {
  return { source: 'command line', path, message, fix };
}

/** Reads one flag; answers how many arguments after it were its own. */
function readFlag(
  reading: Reading,
  name: string,
  inline: string | undefined,
  next: string | undefined,
): 0 | 1 {
  if (isSwitch(name)) {
    readSwitch(reading, name, inline);
    return 0;
  }
  const follows = inline === undefined && next !== undefined && (!next.startsWith('-') || /^-\d/.test(next));
  if (!isValueFlag(name) && findKey(name) === null) {
    reading.problems.push(unknownFlag(name));
    // its value, if it has one, is not a second mistake
    return follows ? 1 : 0;
  }
  const value = inline ?? (follows ? next : undefined);
  const target = isValueFlag(name) ? reading.values : reading.keys;
  if (value === undefined || value === '') {
    const hint = isValueFlag(name) ? HINTS[name] : 'VALUE';
    reading.problems.push(fault(`-${name}`, 'needs a value', `write -${name} ${hint}`));
  } else if (Object.hasOwn(target, name)) {
    reading.problems.push(fault(`-${name}`, 'stands twice', 'keep one'));
  } else {
    target[name] = value;
  }
  return follows ? 1 : 0;
}

/** Reads the arguments after the program's name. */
export function parseFlags(argv: readonly string[]): Flags {
  const reading: Reading = { values: {}, switches: {}, keys: {}, problems: [] };
  for (let index = 0; index < argv.length; index += 1) {
    const match = /^--?([A-Za-z][A-Za-z0-9_.-]*)(?:=([\s\S]*))?$/.exec(argv[index] as string);
    if (match) {
      index += readFlag(reading, match[1] as string, match[2], argv[index + 1]);
    } else {
      // the text itself may be a secret given by mistake: it is not repeated
      const fix = 'flags begin with "-"; values follow theirs: -rai FILE';
      reading.problems.push(fault(`argument ${index + 1}`, 'is no flag', fix));
    }
  }
  const { values, switches, keys, problems } = reading;
  const on = (name: string) => switches[name] ?? false;
  return {
    rai: values['rai'] ?? null,
    config: values['config'] ?? null,
    gen: values['gen'] ?? null,
    debug: on('debug'),
    demo: on('demo'),
    allowShared: on('allowShared'),
    raiGroupRead: on('raiGroupRead'),
    help: on('help'),
    version: on('version'),
    keys,
    problems,
  };
}
