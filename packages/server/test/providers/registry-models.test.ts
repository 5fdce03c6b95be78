/** A35 over the whole registry: whatever place a row lists, a model that the token does not allow is refused there, and nothing is sent. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelPlace } from '../../src/providers/provider.ts';
import { REGISTRY } from '../../src/providers/registry.ts';
import { type OpenRow, openRows, pathsFor, requestFor } from '../support/rows.ts';
import { usableCredential } from '../support/samples.ts';
import { startWire, type Wire, type WireResult } from './wire.ts';

const ENABLED = REGISTRY.filter(({ enabled }) => enabled);
const OPTIONS = { allowedModels: ['demo-*', 'flux-demo-*'] };
const GOOD = 'demo-good';
const BAD = 'other-model';

let wire: Wire;
beforeAll(async () => {
  wire = await startWire();
});
afterAll(() => wire.close());

function send(open: OpenRow, bad: ModelPlace | null): Promise<WireResult> {
  const at = bad === null ? undefined : new Map([[bad, BAD]]);
  const { query, ...request } = requestFor(open, { all: GOOD, ...(at && { at }) });
  return wire.send({
    provider: open.entry.id,
    credential: usableCredential(open.entry),
    method: open.row.method,
    ...(query !== undefined && { query }),
    ...request,
    options: { ...OPTIONS, ...pathsFor(open) },
  });
}

describe('A35 a model that is not allowed is refused in every place that a row lists', () => {
  it.each(ENABLED.map((entry) => [entry.id, entry] as const))('%s', async (_, entry) => {
    const calls = openRows(entry).flatMap((open) => {
      const where = `${open.row.method} ${open.root}${open.row.path}`;
      const { models } = open.row;
      if (models === null) {
        // that it is open without the claim is held by registry-wire.test.ts
        return [
          send(open, null).then(({ status, seen }) =>
            expect([where, status, seen]).toEqual([where, 403, null]),
          ),
        ];
      }
      const refused = models.map(async (place) => {
        const { status, seen } = await send(open, place);
        expect([where, place, status, seen]).toEqual([where, place, 403, null]);
      });
      const passes = async () => {
        const { status } = await send(open, null);
        // a made-up key cannot sign everywhere, but that is another refusal
        expect([where, status]).not.toEqual([where, 403]);
        if (entry.auth.kind === 'header') expect([where, status]).toEqual([where, 200]);
      };
      return [...refused, passes()];
    });
    await Promise.all(calls);
  });
});
