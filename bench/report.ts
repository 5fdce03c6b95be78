// Medians, spread and the Markdown table of a run. Pure.

/** One candidate in one round. `cpuUs` is CPU time of the candidate's process per request, null for `direct`. */
export interface Round {
  candidate: string;
  round: number;
  rps: number;
  cpuUs: number | null;
  p50Us: number;
  p99Us: number;
  rssMb: number | null;
}

/** Where and with what a run was made. */
export interface Setting {
  date: string;
  commit: string;
  machine: string;
  node: string;
  load: string;
  upstream: string;
  pinned: boolean;
  connections: number;
  seconds: number;
  rounds: number;
  loadAverage: string;
}

/** Median, smallest and largest of some figures. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Sums figures up; throws when there are none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('no figures');
  return { median: (low + high) / 2, min: sorted[0] ?? low, max: sorted.at(-1) ?? high };
}

const BASE = 'node-proxy';

/** The ratio to the plain proxy, taken round by round (both saw the same neighbours), above 1 when the candidate is better. */
export function ratioToBase(
  rounds: readonly Round[],
  candidate: string,
  figure: 'rps' | 'cpuUs',
): Spread | null {
  const ratios = rounds.flatMap((row) => {
    if (row.candidate !== candidate) return [];
    const base = rounds.find(({ round, candidate: name }) => round === row.round && name === BASE);
    const [own, other] = [row[figure], base?.[figure]];
    if (!own || !other) return [];
    return [figure === 'rps' ? own / other : other / own];
  });
  return ratios.length > 0 ? spreadOf(ratios) : null;
}

function show(spread: Spread | null, digits = 0): string {
  if (!spread) return '–';
  const text = (value: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(spread.median)} (${text(spread.min)}–${text(spread.max)})`;
}

/** The whole result as Markdown. */
export function renderMarkdown(setting: Setting, rounds: readonly Round[]): string {
  const names = [...new Set(rounds.map(({ candidate }) => candidate))];
  const rows = names.map((name) => {
    const own = rounds.filter(({ candidate }) => candidate === name);
    const figures = (key: 'cpuUs' | 'rps' | 'p50Us' | 'p99Us' | 'rssMb') => {
      const values = own.map((row) => row[key]).filter((value): value is number => value !== null);
      return values.length > 0 ? spreadOf(values) : null;
    };
    return [
      name,
      show(figures('cpuUs'), 1),
      show(ratioToBase(rounds, name, 'cpuUs'), 2),
      show(figures('rps')),
      show(ratioToBase(rounds, name, 'rps'), 2),
      show(figures('p50Us')),
      show(figures('p99Us')),
      show(figures('rssMb')),
    ];
  });
  const head = [
    'candidate',
    'CPU µs/request',
    `CPU: × ${BASE}`,
    'requests/s',
    `req/s: × ${BASE}`,
    'p50 µs',
    'p99 µs',
    'RSS MB',
  ];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const { seconds, connections, pinned } = setting;
  return `# ${setting.date}, commit ${setting.commit}

${setting.machine}; Node ${setting.node}; load: ${setting.load}; upstream: ${setting.upstream}. ${setting.rounds} interleaved rounds of
${seconds} s, ${connections} connections, POST of 1 KB, answer of 1.5 KB. ${pinned ? 'The candidate has core 0, load and upstream share core 1.' : 'Nothing is pinned to a core.'}
Load average at the start: ${setting.loadAverage}. Median (smallest–largest); ratios are taken round by round, above 1 is better than the plain proxy.

${line(head)}
${line(head.map(() => '---'))}
${rows.map(line).join('\n')}
`;
}
