/** All targets of the coverage-guided loop by name. */
import type { FuzzTarget } from './target.ts';
import { addressTarget } from './targets/address.ts';
import { bodyTarget } from './targets/body.ts';
import { eventStreamTarget } from './targets/event-stream.ts';
import { headerTextTarget, multipartTarget } from './targets/forms.ts';
import { raiTarget } from './targets/rai.ts';
import { strictJsonTarget } from './targets/strict-json.ts';
import { targetTarget } from './targets/target.ts';
import { tokenTarget } from './targets/token.ts';

export const TARGETS: readonly FuzzTarget[] = [
  strictJsonTarget,
  bodyTarget,
  targetTarget,
  addressTarget,
  eventStreamTarget,
  multipartTarget,
  headerTextTarget,
  raiTarget,
  tokenTarget,
];
