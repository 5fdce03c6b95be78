/** Writes out corpora/paths: every frame with every joint, and the whole ones. Not a test; ../paths.test.ts says what must happen to each. */
import { rowsOf } from './rows.ts';

/** Every path after the token, once. */
export function allRests(): string[] {
  const parts = rowsOf<{ joint?: string; frame?: string; rest?: string }>('paths');
  const joints = parts.flatMap(({ joint }) => joint ?? []);
  const frames = parts.flatMap(({ frame }) => frame ?? []);
  const framed = frames.flatMap((frame) => joints.map((joint) => frame.replaceAll('J', () => joint)));
  return [...new Set([...parts.flatMap(({ rest }) => rest ?? []), ...framed])];
}
