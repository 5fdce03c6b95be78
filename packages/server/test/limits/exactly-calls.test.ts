/** The promise of `maxCalls`, under the load that breaks counters: parallel calls over many sockets, ten runs. */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatBody, RELAY_PATHS, type RelayFixture, startRelay } from '../support/relay-fixture.ts';

const PARALLEL = 5000;
const CALLS = 100;
const BODY = chatBody();

function post(agent: Agent, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) };
    const call = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    call.once('error', reject);
    call.end(BODY);
  });
}

describe.each(RELAY_PATHS)('calls on the %s path', (path) => {
  let relay: RelayFixture;
  beforeAll(async () => {
    relay = await startRelay({ path });
  });
  afterAll(() => relay.close());

  it(`A36 (one process) lets exactly ${CALLS} of ${PARALLEL} parallel requests reach the upstream, ten times`, {
    timeout: 300_000,
  }, async () => {
    const runs: number[] = [];
    for (let run = 0; run < 10; run += 1) {
      relay.demo.reset();
      const agent = new Agent({ keepAlive: true, maxSockets: 500 });
      const url = relay.url({ maxCalls: CALLS });
      const statuses = await Promise.all(Array.from({ length: PARALLEL }, () => post(agent, url)));
      agent.destroy();
      expect(statuses.filter((status) => status === 200)).toHaveLength(CALLS);
      expect(statuses.filter((status) => status === 402)).toHaveLength(PARALLEL - CALLS);
      runs.push(relay.demo.counters.requests);
    }
    expect(runs).toEqual(Array.from({ length: 10 }, () => CALLS));
  });
});
