/**
 * Which body members a `cap` name stands for at an endpoint: the row's synonym group, whatever dialect's word the token used
 * (token spec §5 `cap`). Pure data and look-ups; who lowers the values is translation.
 */
import type { Endpoint } from '../providers/provider.ts';

/** Words of all dialects for the same ceiling. The dotted form names a nested member. */
const SYNONYMS: readonly (readonly string[])[] = [
  [
    'max_tokens',
    'max_completion_tokens',
    'max_output_tokens',
    'max_tokens_to_sample',
    'maxOutputTokens',
    'generationConfig.maxOutputTokens',
  ],
  ['n', 'candidateCount', 'candidate_count', 'generationConfig.candidateCount', 'sampleCount'],
];

/** Where a cap applies. */
export interface CapTarget {
  /** Members that mean the ceiling, from the top; at most one of them may stand in a body. */
  readonly pointers: readonly (readonly string[])[];
  /** The member to insert when none stands there; null where the endpoint knows no such ceiling. */
  readonly insert: readonly string[] | null;
}

/** The members that `name` caps at `endpoint`. A name that is no one's synonym is a plain top-level member. */
export function capTargetOf(endpoint: Endpoint, name: string): CapTarget {
  const words = SYNONYMS.find((group) => group.includes(name)) ?? [name];
  const group = endpoint.capGroups?.find((pointers) =>
    pointers.some((pointer) => words.includes(pointer.at(-1) as string)),
  );
  // Words of other dialects at the top are looked for too: some upstreams read more names than they document.
  const stray = words.filter((word) => !word.includes('.')).map((word) => [word]);
  if (group === undefined) {
    const known = endpoint.capGroups !== undefined && words.length > 1;
    return { pointers: known ? stray : [[name]], insert: known ? null : [name] };
  }
  const others = stray.filter(
    ([word]) => !group.some(([first, ...more]) => first === word && more.length === 0),
  );
  const own = group.find((pointer) => pointer.join('.') === name);
  return { pointers: [...group, ...others], insert: own ?? (group[0] as readonly string[]) };
}
