/** `features`: what a body uses beyond plain inference, by the rules of the registry row (token spec §5). */
import type { FeatureRule } from '../../providers/provider.ts';

/** What stands at a rule's place; `text` is a string's content or a literal. */
export interface Found {
  readonly kind: 'string' | 'number' | 'true' | 'false' | 'null' | 'object' | 'array';
  readonly text: () => string;
}

/**
 * Whether a value means that the feature is used. Null is "not said". A value of the wrong type counts as use: a lenient
 * upstream may read `"2"` as a number and `1` as true.
 */
export function usesFeature(rule: FeatureRule, found: Found): boolean {
  if (found.kind === 'null') return false;
  switch (rule.when) {
    case 'present':
      return true;
    case 'true':
      return found.kind !== 'false';
    case 'above-one':
      return found.kind !== 'number' || !(Number(found.text()) <= 1);
    default:
      if ('not' in rule.when) return found.kind !== 'string' || !rule.when.not.includes(found.text());
      // up to a NUL, where an upstream that keeps texts as C strings ends them
      return found.kind === 'string' && rule.when.is.includes(found.text().split('\0', 1)[0] as string);
  }
}
