/**
 * The command line before commander sees it: one-dash forms of long flags, and keys given where everybody can read them.
 */
import { type Misused, misuse } from './outcome.ts';

/** Long flags that the server takes with one dash, so that people write them here, too. */
const ONE_DASH = /^-(rai|config|rai-group-read|allow-shared|json|help|version)(=[\s\S]*)?$/;

/** A key file's text: where its path belongs it would be repeated in the message that there is no such file. */
const FILE_TEXT = /^(?:--?[a-z-]+=)?\s*[{[][\s\S]*"(?:k|d|aes_key)"\s*:/;

/** Rewrites `-rai` to `--rai` and the like, also with `=`; whatever follows `--` is left alone. */
export function normaliseArguments(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((argument, index) =>
    (end === -1 || index < end) && ONE_DASH.test(argument) ? `-${argument}` : argument,
  );
}

/** A sentence for whoever wants to pass a key as an argument; null for everybody else. */
export function refuseKeyArgument(argv: readonly string[]): Misused | null {
  const end = argv.indexOf('--');
  const given = argv.slice(0, end === -1 ? undefined : end);
  if (argv.some((argument) => FILE_TEXT.test(argument))) {
    return misuse("a key file's text stands among the arguments, where others see it; give the file's path");
  }
  if (!given.some((argument) => /^--?(?:api[-_]?key|key|secret|credential)(?:=|$)/i.test(argument))) {
    return null;
  }
  return misuse(
    'a key is never an argument, since others see arguments in process lists and shell history; ' +
      'name a variable with --api-key-env NAME, or write the key to standard input',
  );
}
