// house: real time, because a real relay runs in another process here.
/**
 * A58: mutated requests by the million on the real program. The relay is a child, so that its end, its strays and its handles are
 * seen from outside; RELAYAPI_TEST_FULL=1 sends 10^7.
 */
import { afterEach, expect, it } from 'vitest';
import { readPieces } from './corpora.ts';
import { type LiveRelay, type Probe, startLiveRelay } from './live-relay.ts';
import { callHonestly, fuzzLive } from './live-run.ts';

const FULL = process.env['RELAYAPI_TEST_FULL'] === '1';
const COUNT = FULL ? 10_000_000 : 1_000_000;
/** A busy machine may not get through them all; below this the run shows nothing. */
const FLOOR = FULL ? COUNT : 150_000;
const BOX_SECONDS = FULL ? 48 * 3600 : 185;
const SEED = 58;

let relay: LiveRelay | null = null;
afterEach(async () => {
  if (relay !== null && relay.server.child.exitCode === null) await relay.stop();
});

/** Handles and timers that are there now and were not at the start. */
function grown(start: Probe, now: Probe): string[] {
  const names = Object.keys(now.resources).filter(
    // a look at the key files comes and goes
    (name) => name !== 'FSReqPromise' && (now.resources[name] ?? 0) > (start.resources[name] ?? 0),
  );
  return names.map((name) => `${name}: ${start.resources[name] ?? 0}, then ${now.resources[name]}`);
}

it('A58 mutated requests on a live relay, a million or what three minutes hold (ten million with RELAYAPI_TEST_FULL=1): no exit, no stray rejection, no leaked handle, no secret', {
  timeout: (BOX_SECONDS + 120) * 1000,
}, async () => {
  relay = await startLiveRelay();
  const { server, upstream } = relay;
  expect(await callHonestly(relay)).toBe('200 chat.completion');
  await expect
    .poll(async () => grown({ resources: {} } as Probe, await (relay as LiveRelay).probe()).length)
    .toBeGreaterThan(0);
  const start = await relay.probe();
  let told = 0;
  const report = await fuzzLive(relay, {
    count: COUNT,
    maxSeconds: BOX_SECONDS,
    seed: SEED,
    pieces: readPieces(),
    onProgress(requests) {
      if (requests < told + 100_000) return;
      told = requests;
      if (FULL) console.log(`${new Date().toISOString()} ${requests} requests`);
    },
  });
  const { faults, ...figures } = report;
  console.log(
    `A58: ${JSON.stringify({ ...figures, upstream: upstream.served, logBytes: relay.logBytes, seed: SEED })}`,
  );
  expect(faults).toEqual([]);
  expect(report.requests).toBeGreaterThanOrEqual(FLOOR);
  expect(report.honest).toBeGreaterThan(report.seconds / 2);
  // every stage was reached, and the upstream, too
  for (const code of [
    'bad_framing',
    'bad_target',
    'token_invalid',
    'ip_denied',
    'path_denied',
    'bad_body',
    'model_denied',
  ])
    expect(report.codes[code], code).toBeGreaterThan(0);
  expect(upstream.served).toBeGreaterThan(report.requests / 1000);

  expect(await callHonestly(relay)).toBe('200 chat.completion');
  await expect
    .poll(async () => grown(start, await (relay as LiveRelay).probe()), { timeout: 30_000, interval: 500 })
    .toEqual([]);
  const end = await relay.probe();
  expect(end.strays).toBe(0);
  expect(end.descriptors).toBeLessThanOrEqual(start.descriptors + 8);
  // counters of a few tokens and one rate log: what a leak of a byte per request would leave is far above
  expect(end.heapUsed - start.heapUsed).toBeLessThan(64 * 1024 * 1024);
  expect(await relay.stop()).toMatchObject({ code: 0, signal: null });
  expect(
    server
      .stderr()
      .replace(/^probe .*$/gm, '')
      .trim(),
  ).toBe('');
});
