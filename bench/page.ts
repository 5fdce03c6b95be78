// docs/performance.md out of the kept results. Pure.
import { type FigureTable, type Results, type SuiteRun, tabulate } from './figures.ts';
import { judge, showSpread } from './targets.ts';

interface Column {
  readonly head: string;
  readonly cell: (table: FigureTable, candidate: string) => string;
}

interface Section {
  readonly suite: string;
  readonly place: string;
  readonly title: string;
  readonly text: string;
  readonly columns: readonly Column[];
}

const DASH = '–';

function own(place: string, head: string, figure: string, digits: number, scale = 1): Column {
  return {
    head,
    cell: (table, candidate) => {
      const spread = table.spread(place, candidate, figure);
      if (spread === null) return DASH;
      const { median, min, max } = spread;
      return showSpread({ median: median * scale, min: min * scale, max: max * scale }, digits);
    },
  };
}

function against(place: string, base: string, head: string, figure: string, turned: boolean): Column {
  return {
    head,
    cell: (table, candidate) => {
      const spread = turned
        ? table.ratio(place, base, candidate, figure)
        : table.ratio(place, candidate, base, figure);
      return spread === null ? DASH : showSpread(spread, 2);
    },
  };
}

// The robust figure: what a core could do if nobody else asked anything of it.
function perCore(place: string): Column {
  return {
    head: 'requests/s per core',
    cell: (table, candidate) => {
      const spread = table.spread(place, candidate, 'cpuUs');
      return spread === null ? DASH : Math.round(1e6 / spread.median).toLocaleString('en');
    },
  };
}

const requestColumns = (place: string) => [
  own(place, 'CPU µs/request', 'cpuUs', 1),
  perCore(place),
  against(place, 'node-pipe', '× pipe (CPU)', 'cpuUs', true),
  own(place, 'requests/s', 'rps', 0),
  own(place, 'p50 ms', 'p50Us', 2, 0.001),
  own(place, 'p99 ms', 'p99Us', 2, 0.001),
  own(place, 'RSS MB', 'rssMb', 0),
];
const streamColumns = (place: string) => [
  own(place, 'CPU µs/chunk', 'cpuUs', 1),
  against(place, 'node-pipe', '× pipe', 'cpuUs', false),
  own(place, 'of a core', 'core', 2),
  own(place, 'delivered %', 'deliveredShare', 1, 100),
  own(place, 'age p50 ms', 'p50Us', 3, 0.001),
  own(place, 'age p99 ms', 'p99Us', 2, 0.001),
  own(place, 'lost', 'lost', 0),
  own(place, 'late', 'late', 0),
  own(place, 'reordered', 'reordered', 0),
  own(place, 'KB/stream', 'kbPerStream', 0),
];
const memoryColumns = (place: string) => [
  own(place, 'before MB', 'beforeMb', 0),
  own(place, 'most MB', 'peakMb', 0),
  own(place, 'growth MB', 'growthMb', 1),
];

const SECTIONS: readonly Section[] = [
  {
    suite: 'small',
    place: 'small',
    title: 'Small requests',
    text: 'POST of 1 KB of JSON, answer of 1.5 KB, 64 connections of wrk. `relay`: calls, expiry, origin and path limits, every token warm; `relay-rate`: a rate limit as well; `relay-no-limits`: expiry alone; `relay-quiet`: no access log; `relay-young-64`: Node started with `--max-semi-space-size=64`; `relay-cold-…`: the cache of opened tokens holds one, so that each request opens its token.',
    columns: requestColumns('small'),
  },
  {
    suite: 'latency',
    place: 'latency',
    title: 'Latency',
    text: 'Open loop: requests leave at fixed times, whatever comes back, and are timed from when they should have left.',
    columns: [
      own('latency', 'p50 ms', 'p50Us', 3, 0.001),
      own('latency', 'p90 ms', 'p90Us', 3, 0.001),
      own('latency', 'p99 ms', 'p99Us', 3, 0.001),
      own('latency', 'p99.9 ms', 'p999Us', 2, 0.001),
    ],
  },
  {
    suite: 'bodies',
    place: 'bodies-100k',
    title: 'Request bodies of 100 KB',
    text: '32 connections of wrk.',
    columns: requestColumns('bodies-100k'),
  },
  {
    suite: 'bodies',
    place: 'upload-200m',
    title: 'A body of 200 MB up',
    text: 'Memory of a fresh relay, looked at each 50 ms: `cold` is its first request, `warm` its third.',
    columns: memoryColumns('upload-200m'),
  },
  {
    suite: 'bodies',
    place: 'download-200m',
    title: 'A body of 200 MB down',
    text: 'The same the other way.',
    columns: memoryColumns('download-200m'),
  },
  {
    suite: 'streams',
    place: 'streams-500',
    title: '500 streams at 50 chunks per second',
    text: 'The age of a chunk is the time from its send to its arrival at the caller. `relay-no-tap` forwards the same streams as a dialect without usage counts.',
    columns: streamColumns('streams-500'),
  },
  {
    suite: 'streams',
    place: 'streams-850',
    title: '850 streams at 50 chunks per second',
    text: 'As many as a core is asked to carry.',
    columns: streamColumns('streams-850'),
  },
  {
    suite: 'streams',
    place: 'streams-9000',
    title: '9,000 streams at 2 chunks per second',
    text: 'Each chunk carries the number of its stream and its own. `lost` is missing in a stream that has ended, `late` had not arrived 30 s after its stream’s end.',
    columns: streamColumns('streams-9000'),
  },
  {
    suite: 'tokens',
    place: 'opening',
    title: 'Opening a token',
    text: 'In one process, without a network.',
    columns: [own('opening', 'CPU µs', 'cpuUs', 1)],
  },
  {
    suite: 'tokens',
    place: 'flood',
    title: 'A flood of garbage tokens',
    text: 'What honest callers see, without and with a flood.',
    columns: [
      own('flood', 'honest p50 ms', 'p50Us', 3, 0.001),
      own('flood', 'honest p99 ms', 'p99Us', 3, 0.001),
      own('flood', 'flood requests', 'floodSent', 0),
      own('flood', 'refused (401)', 'floodRefused', 0),
      own('flood', 'damped (429)', 'floodDamped', 0),
      own('flood', 'turned away (503)', 'floodBusy', 0),
    ],
  },
  {
    suite: 'workers',
    place: 'workers',
    title: 'Two workers',
    text: 'Load and upstream share both cores with the relay here.',
    columns: [
      own('workers', 'requests/s', 'rps', 0),
      against('workers', 'relay-1', '× one', 'rps', false),
      own('workers', 'CPU µs/request', 'cpuUs', 1),
      own('workers', 'RSS MB', 'rssMb', 0),
    ],
  },
  {
    suite: 'workers',
    place: 'exact',
    title: '5,000 calls at once on a token of 100',
    text: 'Two workers.',
    columns: [
      own('exact', 'passed', 'passed', 0),
      own('exact', 'refused', 'refused', 0),
      own('exact', 'other answers', 'odd', 0),
    ],
  },
  {
    suite: 'start',
    place: 'start',
    title: 'Start and rest',
    text: 'From the start of the process to its line that it listens; memory five seconds later.',
    columns: [own('start', 'to listening ms', 'startMs', 0), own('start', 'idle MB', 'idleMb', 1)],
  },
];

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function renderSection(section: Section, table: FigureTable): string {
  const candidates = table.candidates(section.place);
  // a column in which nobody has a figure says nothing
  const columns = section.columns.filter(({ cell }) => candidates.some((name) => cell(table, name) !== DASH));
  const rows = candidates.map((name) => [name, ...columns.map(({ cell }) => cell(table, name))]);
  const head = ['', ...columns.map(({ head }) => head)];
  return `### ${section.title}\n\n${section.text}\n\n${renderTable(head, rows)}\n`;
}

function renderRuns(runs: readonly SuiteRun[]): string {
  const rows = runs.map(({ suite, at, commit, rounds, tookSeconds, loadAverage }) => [
    suite,
    at.slice(0, 16).replace('T', ' '),
    commit,
    String(rounds),
    `${tookSeconds} s`,
    loadAverage,
  ]);
  return renderTable(['suite', 'began (UTC)', 'commit', 'rounds', 'took', 'load average before'], rows);
}

/** The whole page. */
export function renderPage(results: Results): string {
  const { machine, versions } = results;
  const runs = Object.values(results.suites);
  const table = tabulate(results);
  const judged = judge(results).map(({ item, asked, measured, verdict }) => [
    item,
    asked,
    measured,
    verdict === 'pass' ? 'pass' : `**${verdict}**`,
  ]);
  const notes = runs.flatMap(({ notes: own }) => own.map((note) => `- ${note}`));
  const sections = SECTIONS.filter(({ place }) => table.candidates(place).length > 0);
  const programs = Object.entries(versions).map(([name, version]) => `${name}: ${version}`);
  return `<!-- written by bench/run.ts from bench/results/performance.json: change those, not this -->
# Performance

![Requests per second and core of the relay and its neighbours, and CPU per chunk of a stream.](img/performance.svg)

## What is asked, what was measured

The numbers are those of issue 4. Ratios are taken round by round; each figure is the median of the rounds, with the smallest and the
largest in brackets. Why some fall short, and the best that was found: [0032](decisions/0032-what-falls-short.md).

${renderTable(['', 'asked', 'measured', ''], judged)}

## How it was measured

${machine.cores} cores (${machine.cpu}), ${machine.memoryGib} GiB, ${machine.kernel}, Node ${machine.node}. ${
    machine.pinned
      ? 'The candidate has core 0; load and upstream share core 1.'
      : 'Nothing was held to a core: load and candidate were in each other’s way.'
  }
The candidates take turns within each round, so that a noisy neighbour hits all of them alike. CPU and memory are the operating
system's (\`/proc/PID/stat\` with all threads and child processes, \`/proc/PID/status\`). **CPU per request is the figure to trust**, and
requests per second and core is a million microseconds divided by it: plain requests per second suffer when somebody else takes the
core. Differences below 15 % are ties on a shared machine. How to run it: [bench/README.md](../bench/README.md).

${renderRuns(runs)}

${programs.map((text) => `- ${text}`).join('\n')}

## Figures

${sections.map((section) => renderSection(section, table)).join('\n')}${notes.length > 0 ? `\n## Notes\n\n${notes.join('\n')}\n` : ''}`;
}
