// What issue 4 asks for, number by number, and how each is read out of the figures. Pure.
import type { FigureTable, Results, Spread } from './figures.ts';
import { tabulate } from './figures.ts';

/** One number that is asked for, as measured. */
export interface Judged {
  /** Number of the paragraph in the issue. */
  readonly item: string;
  readonly asked: string;
  /** For people; `not measured` when it was not. */
  readonly measured: string;
  readonly verdict: 'pass' | 'falls short' | 'not measured';
}

interface Target {
  readonly item: string;
  readonly asked: string;
  readonly read: (table: FigureTable) => Spread | null;
  readonly show: (spread: Spread) => string;
  readonly passes: (spread: Spread) => boolean;
}

const atLeast = (least: number) => (spread: Spread) => spread.median >= least;
const atMost = (most: number) => (spread: Spread) => spread.median <= most;
const times = (spread: Spread) => `${showSpread(spread, 2)} ×`;
const unit = (name: string, digits: number, scale: number) => (spread: Spread) =>
  `${showSpread({ median: spread.median * scale, min: spread.min * scale, max: spread.max * scale }, digits)} ${name}`;
const ms = unit('ms', 3, 0.001);

/** `1.50 (1.40–1.60)`, or one number when all are alike. */
export function showSpread(spread: Spread, digits: number): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) =>
    value.toLocaleString('en', options),
  );
  return min === max ? `${median}` : `${median} (${min}–${max})`;
}

// How often the relay's requests per second and core are those of another: CPU per request, turned round.
const perCore = (place: string, candidate: string, other: string) => (table: FigureTable) =>
  table.ratio(place, other, candidate, 'cpuUs');
const faster = (asked: string, other: string, least: number): Target => ({
  item: '1',
  asked,
  read: perCore('small', 'relay', other),
  show: times,
  passes: atLeast(least),
});
const flat = (way: string, state: string): Target => ({
  item: '4',
  asked: `200 MB ${way}, ${state}: memory flat within 32 MB`,
  read: (table) => table.spread(`${way}-200m`, state, 'growthMb'),
  show: unit('MB', 1, 1),
  passes: atMost(32),
});
const opened = (asked: string, name: string, most: number): Target => ({
  item: '6',
  asked,
  read: (table) => table.spread('opening', name, 'cpuUs'),
  show: ms,
  passes: atMost(most),
});

const TARGETS: readonly Target[] = [
  faster('requests per second and core ≥ 1.5 × the bare `node:http` pipe', 'node-pipe', 1.5),
  faster('… ≥ 10 × Portkey', 'portkey', 10),
  faster('… ≥ 0.2 × nginx', 'nginx', 0.2),
  faster('… ≥ 25 × LiteLLM', 'litellm', 25),
  {
    ...faster('… ahead of Go (Caddy stands in)', 'caddy', 1),
    passes: (spread) => spread.median > 1,
  },
  {
    item: '2',
    asked: 'with a rate limit counted as well: within 5 % of (1)',
    read: perCore('small', 'relay-rate', 'relay'),
    show: times,
    passes: atLeast(0.95),
  },
  {
    item: '3',
    asked: 'added latency at a quarter of capacity: p50 ≤ 0.35 ms',
    read: (table) => table.difference('latency', 'relay', 'direct', 'p50Us'),
    show: ms,
    passes: atMost(350),
  },
  {
    item: '3',
    asked: '… p99 ≤ 3 ms',
    read: (table) => table.difference('latency', 'relay', 'direct', 'p99Us'),
    show: ms,
    passes: atMost(3000),
  },
  {
    item: '3',
    asked: '… p99 no worse than the bare pipe’s',
    read: (table) => table.ratio('latency', 'relay', 'node-pipe', 'p99Us'),
    show: times,
    passes: atMost(1),
  },
  {
    item: '4',
    asked: '100 KB request bodies: ≥ 0.9 × the bare pipe',
    read: perCore('bodies-100k', 'relay', 'node-pipe'),
    show: times,
    passes: atLeast(0.9),
  },
  ...['upload', 'download'].flatMap((way) => [flat(way, 'cold'), flat(way, 'warm')]),
  {
    item: '5',
    asked: '9,000 streams at 2 chunks per second: none lost or reordered (how many were)',
    read: (table) => sum(table, 'streams-9000', 'relay', ['lost', 'late', 'reordered']),
    show: unit('chunks', 0, 1),
    passes: (spread) => spread.max === 0,
  },
  {
    item: '5',
    asked: '… ≤ 40 KB of memory per stream',
    read: (table) => table.spread('streams-9000', 'relay', 'kbPerStream'),
    show: unit('KB', 1, 1),
    passes: atMost(40),
  },
  {
    item: '5',
    asked: '≥ 850 streams at 50 chunks per second on one core: ≥ 99 % delivered in time',
    read: (table) => table.spread('streams-850', 'relay', 'deliveredShare'),
    show: unit('%', 1, 100),
    passes: atLeast(0.99),
  },
  {
    item: '5',
    asked: 'CPU per chunk at 500 streams ≤ 1.0 × the bare pipe',
    read: (table) => table.ratio('streams-500', 'relay', 'node-pipe', 'cpuUs'),
    show: times,
    passes: atMost(1),
  },
  {
    item: '5',
    asked: '… ≤ 0.4 × Portkey',
    read: (table) => table.ratio('streams-500', 'relay', 'portkey', 'cpuUs'),
    show: times,
    passes: atMost(0.4),
  },
  {
    item: '5',
    asked: 'chunk age at 500 streams: p50 ≤ 0.35 ms',
    read: (table) => table.spread('streams-500', 'relay', 'p50Us'),
    show: ms,
    passes: atMost(350),
  },
  {
    item: '5',
    asked: 'the usage tap within noise (CPU per chunk with it: ≤ 1.05 × without)',
    read: (table) => table.ratio('streams-500', 'relay', 'relay-no-tap', 'cpuUs'),
    show: times,
    passes: atMost(1.05),
  },
  {
    item: '6',
    asked: 'a cold AES token ≤ 0.05 ms of CPU (relay that opens each token, less the one that keeps them)',
    read: (table) => table.difference('small', 'relay-cold-aes', 'relay', 'cpuUs'),
    show: ms,
    passes: atMost(50),
  },
  {
    item: '6',
    asked: 'a cold ECC token ≤ 0.5 ms (likewise)',
    read: (table) => table.difference('small', 'relay-cold-ecc', 'relay', 'cpuUs'),
    show: ms,
    passes: atMost(500),
  },
  opened('opening an AES token alone ≤ 0.05 ms', 'aes', 50),
  opened('opening an ECC token alone ≤ 0.5 ms', 'ecc', 500),
  opened('a malformed token refused in ≤ 0.02 ms', 'malformed', 20),
  opened('a token of an unknown key refused in ≤ 0.02 ms', 'unknown-kid', 20),
  {
    item: '6',
    asked: 'a flood of garbage at half of capacity: honest p99 within 2 ×',
    read: (table) => table.ratio('flood', 'flooded', 'honest', 'p99Us'),
    show: times,
    passes: atMost(2),
  },
  {
    item: '7',
    asked: 'two workers ≥ 1.7 × one',
    read: (table) => table.ratio('workers', 'relay-2', 'relay-1', 'rps'),
    show: times,
    passes: atLeast(1.7),
  },
  {
    item: '7',
    asked: '… and exactly 100 of 5,000 calls pass on a token of 100',
    read: (table) => table.spread('exact', 'relay-2', 'passed'),
    show: unit('calls', 0, 1),
    passes: (spread) => spread.min === 100 && spread.max === 100,
  },
  {
    item: '8',
    asked: 'idle memory ≤ 90 MB',
    read: (table) => table.spread('start', 'relay', 'idleMb'),
    show: unit('MB', 1, 1),
    passes: atMost(90),
  },
  {
    item: '8',
    asked: 'start to listening ≤ 400 ms',
    read: (table) => table.spread('start', 'relay', 'startMs'),
    show: unit('ms', 0, 1),
    passes: atMost(400),
  },
];

// Several counts as one; null when one of them is missing.
function sum(
  table: FigureTable,
  place: string,
  candidate: string,
  figures: readonly string[],
): Spread | null {
  const spreads = figures.map((figure) => table.spread(place, candidate, figure));
  const found = spreads.filter((spread) => spread !== null);
  if (found.length < figures.length) return null;
  const add = (field: keyof Spread) => found.reduce((total, spread) => total + spread[field], 0);
  return { median: add('median'), min: add('min'), max: add('max') };
}

/** Every number of the issue with what was measured. */
export function judge(results: Results): Judged[] {
  const table = tabulate(results);
  return TARGETS.map(({ item, asked, read, show, passes }) => {
    const spread = read(table);
    if (spread === null) return { item, asked, measured: 'not measured', verdict: 'not measured' };
    return { item, asked, measured: show(spread), verdict: passes(spread) ? 'pass' : 'falls short' };
  });
}
