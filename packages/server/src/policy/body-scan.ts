/** One pass over a JSON body: strict form, the models it names, the features it uses (behaviour spec §6). Builds no tree. */
import { type JsonVisitor, StrictJsonError, scanStrictJson } from 'relayapi-token';
import { type Denial, deny } from '../errors.ts';
import { createNameGuard, type NameGuard, type Path, type Pointer, pointsTo } from '../pointers.ts';
import type { FeatureRule } from '../providers/provider.ts';
import { type Found, usesFeature } from './checks/features.ts';

const MAX_DEPTH = 64;

/** What to look for; made once per endpoint and claim set. */
export interface ScanPlan {
  readonly models: readonly Pointer[];
  readonly features: readonly FeatureRule[];
  readonly guard: NameGuard;
}

/** `others` are pointers whose names are guarded though nothing is read there (`set`, `cap`). */
export function createScanPlan(
  models: readonly Pointer[],
  features: readonly FeatureRule[],
  others: readonly Pointer[],
): ScanPlan {
  const guard = createNameGuard([...models, ...features.map((rule) => rule.at), ...others]);
  return { models, features, guard };
}

/** What a body holds. */
export interface ScanResult {
  /** Named models, null as soon as one place holds something else than a string (null aside, which names none). */
  readonly models: readonly string[] | null;
  /** Names of used features, each once. */
  readonly features: readonly string[];
}

/** Ends a scan early; never leaves this file. */
class LookalikeName extends Error {}

function createScan(plan: ScanPlan): { visitor: JsonVisitor; result: () => ScanResult } {
  const models: string[] = [];
  const used = new Set<string>();
  let sound = true;

  /** A list that is not one would hide its models from the `*`. */
  function isBrokenList(path: Path, kind: Found['kind']): boolean {
    if (kind === 'array' || kind === 'null') return false;
    return plan.models.some((pointer) =>
      pointer.some((step, i) => step === '*' && pointsTo(pointer.slice(0, i), path, 'exact')),
    );
  }

  function visit(path: Path, found: Found): void {
    if (plan.models.some((pointer) => pointsTo(pointer, path, 'exact'))) {
      if (found.kind === 'string') models.push(found.text());
      else if (found.kind !== 'null') sound = false;
    } else if (isBrokenList(path, found.kind)) {
      sound = false;
    }
    for (const rule of plan.features) {
      if (used.has(rule.feature) || !pointsTo(rule.at, path, 'lenient')) continue;
      if (usesFeature(rule, found)) used.add(rule.feature);
    }
  }

  return {
    visitor: {
      name(path) {
        if (plan.guard.isLookalike(path)) throw new LookalikeName();
      },
      value(path, kind, _start, _end, text) {
        visit(path, { kind, text });
      },
      enter(path, kind) {
        visit(path, { kind, text: () => '' });
      },
    },
    result: () => ({ models: sound ? models : null, features: [...used] }),
  };
}

/** Scans a body; `bad_body` when it is not strict JSON or holds a name that is a checked one in other letters. */
export function scanBody(bytes: Uint8Array, plan: ScanPlan): ScanResult | Denial {
  const scan = createScan(plan);
  try {
    // Names such as `constructor` are harmless here: no object is built from them.
    scanStrictJson(bytes, scan.visitor, { maxDepth: MAX_DEPTH, allowForbiddenNames: true });
  } catch (error) {
    if (error instanceof StrictJsonError) return deny('bad_body', { reason: error.message });
    if (error instanceof LookalikeName)
      return deny('bad_body', { reason: 'a checked name in other letters' });
    throw error;
  }
  return scan.result();
}
