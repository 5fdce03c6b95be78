/**
 * A19: names whose answers change, on first, fresh and pooled connections, through the whole relay (behaviour spec §5). The rows of
 * corpora/rebinding run over http and https; what needs more than a row stands below. Every dial of this process is counted.
 * house: real time, since one call has to be under way on a real connection while another needs a second one.
 */
import { createSelfSignedCertificate } from 'relayapi-demo-provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AddressGuard, createAddressGuard } from '../../src/runtime/node/addresses.ts';
import { createNodeTransport } from '../../src/runtime/node/upstream-transport.ts';
import { chatBody, postChat, type RelayFixture, startRelay } from '../support/relay-fixture.ts';
import { answerOf, type Canary, type CanaryOptions, startCanary } from './canary.ts';
import { rowsOf } from './corpora/rows.ts';
import { watchDials } from './dials.ts';
import { wordFrom } from './reading.ts';

interface RebindingRow {
  readonly what: string;
  /** The answers of one lookup after the other; the last one stays. */
  readonly answers: readonly (readonly string[])[];
  readonly connection: 'new' | 'kept';
  readonly must: readonly string[];
}

const ROWS = rowsOf<RebindingRow>('rebinding');
const PLACES: Readonly<Record<string, string>> = { H: '127.0.0.2', B: '127.0.0.1' };

const dialled = watchDials();
beforeEach(() => dialled.reset());
/** Dials other than a caller's to the relay itself. */
const strayDials = (relay: RelayFixture) =>
  dialled.places.filter((place) => place !== `127.0.0.1:${relay.port}`);

describe.each(['http', 'https'])('A19 a name that changes its address over %s', (scheme) => {
  let relay: RelayFixture;
  let honest: Canary;
  let inside: Canary;
  let answers: string[][];
  let lookups: number;
  const certificate = createSelfSignedCertificate(['rebind.example.com']);
  const tls = scheme === 'https' ? { tls: certificate } : {};

  beforeEach(async () => {
    [honest, inside] = await startPair(tls);
    answers = [['127.0.0.2']];
    lookups = 0;
    relay = await startRelay({
      config: { providers: { rebind: { base_url: `${scheme}://rebind.example.com:${honest.port}/v1` } } },
      ports: {
        transport: createNodeTransport({
          guard: takingForPublic('127.0.0.2'),
          ca: certificate.cert,
          resolve: async () => answers[Math.min(lookups++, answers.length - 1)] ?? [],
        }),
      },
    });
  });
  afterEach(async () => {
    await relay.close();
    await honest.close();
    await inside.close();
  });

  const call = async () => wordFrom(await postChat(relay.url({ provider: 'rebind', maxCalls: null })));

  it.each(ROWS)('$what ($connection connection)', async ({ answers: wanted, connection, must }) => {
    answers = wanted.map((list) => list.map((one) => PLACES[one] ?? one));
    if (connection === 'new') {
      honest.say((socket) =>
        socket.end(answerOf('{}', ['content-type: application/json', 'connection: close'])),
      );
    }
    const words: string[] = [];
    while (words.length < must.length) words.push(await call());
    expect(words).toEqual(must);
    expect(inside.connections).toBe(0);
    expect(strayDials(relay).filter((place) => place !== `127.0.0.2:${honest.port}`)).toEqual([]);
    const passed = must.filter((word) => word === '200 -').length;
    expect(honest.heads).toHaveLength(passed);
    expect(honest.connections).toBe(connection === 'kept' ? 1 : passed);
  });

  it('is asked once per connection, and the address that was judged is the one that is dialled', async () => {
    answers = [['127.0.0.2'], ['127.0.0.1']];
    expect(await call()).toBe('200 -');
    expect(lookups).toBe(1);
    expect(strayDials(relay)).toEqual([`127.0.0.2:${honest.port}`]);
    expect(inside.connections).toBe(0);
  });

  it('stays where it was on a pooled connection, and is refused on the next new one', async () => {
    answers = [['127.0.0.2'], ['127.0.0.1']];
    for (let i = 0; i < 3; i += 1) expect(await call()).toBe('200 -');
    expect(honest.connections).toBe(1);
    honest.hangUp();
    await expect.poll(call).toBe('403 destination_denied');
    expect(inside.connections).toBe(0);
    expect(strayDials(relay)).not.toContain(`127.0.0.1:${inside.port}`);
  });

  it('is refused for further connections of a pool that is in use', async () => {
    answers = [['127.0.0.2'], ['127.0.0.1']];
    let answer = () => {};
    honest.say((socket) => {
      answer = () => void socket.write(answerOf('{}'));
    });
    const first = call();
    await expect.poll(() => honest.heads.length).toBe(1);
    expect(await call()).toBe('403 destination_denied');
    answer();
    expect(await first).toBe('200 -');
    expect(inside.connections).toBe(0);
  });

  it('a call that was refused leaves nothing behind: the body is not sent later', async () => {
    answers = [['127.0.0.1'], ['127.0.0.2']];
    expect(await wordFrom(await postChat(relay.url({ provider: 'rebind' }), chatBody('demo-refused')))).toBe(
      '403 destination_denied',
    );
    expect(await call()).toBe('200 -');
    expect(honest.heads).toHaveLength(1);
  });
});

/** Two canaries on one port of two addresses; another process may hold the port on the second one. */
async function startPair(options: CanaryOptions): Promise<[honest: Canary, inside: Canary]> {
  for (let tries = 0; ; tries += 1) {
    const honest = await startCanary({ host: '127.0.0.2', ...options });
    try {
      return [honest, await startCanary({ host: '127.0.0.1', port: honest.port })];
    } catch (error) {
      await honest.close();
      if (tries === 20) throw error;
    }
  }
}

/** The real guard, to which one loopback address counts as public: no test can reach a truly public one. */
function takingForPublic(exempt: string): AddressGuard {
  const guard = createAddressGuard();
  return {
    refuse: (address, port, allowPrivate) =>
      address === exempt ? null : guard.refuse(address, port, allowPrivate),
    // would block the exempt one as well; the other rows try it
    blockList: () => null,
  };
}
