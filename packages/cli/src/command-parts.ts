/** What the commands' flags are made of and read with. Beside program.ts and providers-command.ts nothing knows commander. */
import { type Command, Option } from 'commander';
import { isMisused, type Misused, misuse, type Outcome } from './outcome.ts';

/** Flags as commander hands them over: every value is a list of the texts given, every switch true. */
export type Given = Readonly<Record<string, readonly string[] | true | undefined>>;

/** Takes how a command ended. */
export type Settle = (outcome: Outcome) => void;

/** A command with what all have. */
export function add(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .helpOption('-h, --help', 'print this help')
    .option('--json', 'print the result as one JSON object');
}

/** A flag with a value, collected as often as it stands. */
export function valued(flags: string, help: string, group?: string): Option {
  const option = new Option(flags, help).argParser((text: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    text,
  ]);
  return group === undefined ? option : option.helpGroup(group);
}

/** The texts of a flag. */
export function texts(given: Given, name: string): readonly string[] {
  const value = given[name];
  return Array.isArray(value) ? value : [];
}

/** The text of a flag that stands once at most. */
export function single(given: Given, name: string, flag: string): string | undefined | Misused {
  const all = texts(given, name);
  return all.length > 1 ? misuse(`${flag} stands twice; keep one`) : all[0];
}

/** Several single flags at once; the first misuse wins. */
export function singles<K extends string>(
  given: Given,
  flags: Readonly<Record<K, string>>,
): Partial<Record<K, string>> | Misused {
  const read: Partial<Record<K, string>> = {};
  for (const [name, flag] of Object.entries(flags) as [K, string][]) {
    const value = single(given, name, flag);
    if (isMisused(value)) return value;
    if (value !== undefined) read[name] = value;
  }
  return read;
}
