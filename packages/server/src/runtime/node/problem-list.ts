/** Everything that keeps the relay from starting, in one message for a person: where, what, how to put it right. */
import type { ConfigProblem } from '../../config/problems.ts';
import { printable, redact } from '../../redact.ts';

/** One line per problem; the JSON path is left out where it is the whole file. */
export function problemLine({ source, path, message, fix }: ConfigProblem): string {
  const place = path === '$' ? source : `${source} ${path}`;
  return redact(printable(`${place}: ${message}; ${fix}`));
}

/** The whole message. */
export function problemText(problems: readonly ConfigProblem[]): string {
  const [first] = problems;
  if (problems.length === 1 && first) return `relayapi-server: ${problemLine(first)}\n`;
  const lines = problems.map((problem) => `  ${problemLine(problem)}\n`);
  return `relayapi-server: ${problems.length} problems keep the relay from starting\n${lines.join('')}`;
}
