// Tokens: what opening costs (tokens.ts), and what a flood of garbage does to honest callers.
import { type Bench, type Candidate, interleave, warmUp } from '../bench.ts';
import { startRelay } from '../candidates.ts';
import { openLoop } from '../native.ts';
import { chatBody, rawRequest } from '../requests.ts';
import { measureTokens } from '../tokens.ts';
import { findCapacity } from './latency.ts';

/** Rows of tokens.ts, as the page and the targets name them. */
const ROWS: Readonly<Record<string, string>> = {
  'aes open native': 'aes',
  'ecc open native': 'ecc',
  'malformed header, refused native': 'malformed',
  'unknown kid, refused native': 'unknown-kid',
};

async function measureOpening(bench: Bench): Promise<void> {
  const roundMs = bench.quick ? 20 : 100;
  for (const { name, rounds } of await measureTokens({ rounds: bench.rounds, roundMs })) {
    for (const [index, cpuUs] of rounds.entries()) {
      bench.record('opening', ROWS[name] ?? name, index + 1, { cpuUs });
    }
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// One third malformed, one third of an unknown key, one third that must be decrypted to be refused.
function spoil(path: string, kind: number, random: () => number): string {
  const [, base = '', token = '', ...rest] = path.split('/');
  const parts = token.split('.');
  const noise = (length: number) =>
    Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
  if (kind === 0) return ['', base, noise(token.length), ...rest].join('/');
  if (kind === 1) {
    const head = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString());
    parts[0] = Buffer.from(JSON.stringify({ ...head, kid: noise(16) })).toString('base64url');
  } else {
    const at = parts.length - 2;
    parts[at] = noise(parts[at]?.length ?? 0);
  }
  return ['', base, parts.join('.'), ...rest].join('/');
}

async function measureFlood(bench: Bench): Promise<void> {
  // each refused request comes from an address of its own, or damping would turn all but the first hundred away unread
  const config = { server: { trusted_proxies: ['127.0.0.1'] } };
  const relay = await startRelay(bench, { name: 'relay', config });
  await warmUp(bench, [relay]);
  const capacity = await findCapacity(bench, relay);
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const garbage = Array.from({ length: 30_000 }, (_, index) => {
    const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    const path = spoil(relay.paths[index % relay.paths.length] ?? '', index % 3, random);
    return rawRequest({ ...relay, headers: { 'x-forwarded-for': address } }, path, chatBody());
  });
  bench.note(
    `Honest callers came at ${Math.round(capacity / 4)} requests per second, the flood at ${Math.round(capacity / 2)}: a third of it malformed, a third of an unknown key, a third that must be decrypted to be refused. The flood comes from 30,000 addresses, so that damping never helps.`,
  );
  const { folder, seconds } = bench;
  const honest: Candidate = { ...relay, name: 'honest' };
  await interleave(bench, [honest, { ...relay, name: 'flooded' }], async (candidate, round) => {
    const load = { folder, connections: 64 };
    const flooding =
      candidate.name === 'flooded'
        ? openLoop('flood', relay, {
            ...load,
            requests: garbage,
            rate: capacity / 2,
            seconds: seconds + 1,
            any: true,
          })
        : null;
    const seen = await openLoop('honest', honest, { ...load, rate: capacity / 4, seconds });
    const flood = await flooding;
    bench.record('flood', candidate.name, round, {
      p50Us: seen.p50,
      p99Us: seen.p99,
      ...(flood && {
        floodSent: flood.sent,
        floodErrors: flood.errors,
        floodRefused: flood.statuses['401'] ?? 0,
        floodDamped: flood.statuses['429'] ?? 0,
        floodBusy: flood.statuses['503'] ?? 0,
      }),
    });
  });
}

/** Runs the suite `tokens`. */
export async function measureTokenCosts(bench: Bench): Promise<void> {
  await measureOpening(bench);
  await measureFlood(bench);
}
