// docs/img/performance.svg: two plain bar charts out of the kept results. Pure.
import { type FigureTable, type Results, tabulate } from './figures.ts';

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly own: boolean;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABEL = 130;
const VALUE = 80;
const ROW = 22;
const HEAD = 40;

function barsOf(table: FigureTable, place: string, toValue: (cpuUs: number) => number): Bar[] {
  return table.candidates(place).flatMap((name) => {
    const spread = table.spread(place, name, 'cpuUs');
    return spread === null ? [] : [{ name, value: toValue(spread.median), own: name.startsWith('relay') }];
  });
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function drawPanel({ title, bars }: Panel, top: number): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const room = WIDTH - LABEL - VALUE - 20;
  const rows = bars.map(({ name, value, own }, index) => {
    const y = top + HEAD + index * ROW;
    const width = Math.max((value / most) * room, 1);
    const text = value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 });
    return `  <text class="name" x="${LABEL}" y="${y + 14}">${escapeXml(name)}</text>
  <rect class="${own ? 'own' : 'other'}" x="${LABEL + 8}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 8}"/>
  <text class="value" x="${(LABEL + 14 + width).toFixed(1)}" y="${y + 14}">${text}</text>`;
  });
  return `  <text class="title" x="10" y="${top + 24}">${escapeXml(title)}</text>\n${rows.join('\n')}`;
}

/** The chart as an SVG document that reads on light and dark ground. */
export function renderChart(results: Results): string {
  const table = tabulate(results);
  const panels: Panel[] = [
    {
      title: 'Small requests: requests per second and core (longer is better)',
      bars: barsOf(table, 'small', (cpuUs) => 1e6 / cpuUs),
    },
    {
      title: '500 event streams: CPU µs per chunk (shorter is better)',
      bars: barsOf(table, 'streams-500', (cpuUs) => cpuUs),
    },
  ].filter(({ bars }) => bars.length > 0);
  let top = 0;
  const drawn = panels.map((panel) => {
    const text = drawPanel(panel, top);
    top += HEAD + panel.bars.length * ROW + 16;
    return text;
  });
  const height = Math.max(top, HEAD);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
  <title>Requests per second and core, and CPU per chunk of a stream</title>
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .name { text-anchor: end; }
    .own { fill: #1a7f5a; }
    .other { fill: #8c959f; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .own { fill: #3fb98a; }
      .other { fill: #6e7681; }
    }
  </style>
${drawn.join('\n')}
</svg>
`;
}
