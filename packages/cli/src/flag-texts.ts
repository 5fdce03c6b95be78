/** Reads what stood behind the flags of a command. Knows no command line library. */
import { isMisused, type Misused, misuse } from './outcome.ts';

/** Flags as commander hands them over: every value is a list of the texts given, every switch true. */
export type Given = Readonly<Record<string, readonly string[] | true | undefined>>;

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
