// What a mutation run found, as a table by room and as a list of the mutants that lived.

/** One mutant and what became of it. */
export interface MutantState {
  readonly mutator: string;
  /** From line and column to line and column, both counted from one. */
  readonly place: string;
  readonly original: string;
  readonly replacement: string;
  readonly status:
    | 'Killed'
    | 'Timeout'
    | 'Survived'
    | 'NoCoverage'
    | 'RuntimeError'
    | 'CompileError'
    | 'Ignored'
    | 'Pending';
}

/** The mutants of one room, by source file. */
export interface RoomResult {
  files: Record<string, { readonly digest: string; readonly mutants: readonly MutantState[] }>;
}

const HEAD =
  '| room | mutants | killed | timeout | survived | no coverage | error | score |\n|---|--:|--:|--:|--:|--:|--:|--:|';

/** The table of the closing note: a timeout is a kill, an error counts neither way. */
export function renderTable(results: Readonly<Record<string, RoomResult>>): string {
  const rows = Object.entries(results).map(([name, result]) => {
    const all = Object.values(result.files).flatMap(({ mutants }) => mutants);
    return renderRow(name, all);
  });
  const every = Object.values(results).flatMap(({ files }) =>
    Object.values(files).flatMap(({ mutants }) => mutants),
  );
  if (rows.length > 1) rows.push(renderRow('all', every));
  return [HEAD, ...rows].join('\n');
}

function renderRow(name: string, mutants: readonly MutantState[]): string {
  const count = (...states: readonly MutantState['status'][]) =>
    mutants.filter(({ status }) => states.includes(status)).length;
  const dead = count('Killed', 'Timeout');
  const living = count('Survived', 'NoCoverage');
  const score = ((100 * dead) / (dead + living || 1)).toFixed(1);
  const error = count('RuntimeError', 'CompileError', 'Ignored', 'Pending');
  return `| ${name} | ${mutants.length} | ${count('Killed')} | ${count('Timeout')} | ${count('Survived')} | ${count('NoCoverage')} | ${error} | ${score} % |`;
}

const oneLine = (text: string) => {
  const flat = text.replace(/\s+/g, ' ');
  return flat.length > 140 ? `${flat.slice(0, 137)}...` : flat;
};

/** The mutants that lived, file by file with its score, in the order of the lines. */
export function renderSurvivors(result: RoomResult): string {
  const parts = Object.entries(result.files).map(([path, { mutants }]) => {
    const living = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
    const lineOf = ({ place }: MutantState) => Number.parseInt(place, 10);
    const lines = [...living]
      .sort((one, two) => lineOf(one) - lineOf(two))
      .map((mutant) => {
        const unseen = mutant.status === 'NoCoverage' ? ' (no coverage)' : '';
        const start = mutant.place.split('-')[0];
        return `${path}:${start} ${mutant.mutator}${unseen}: ${oneLine(mutant.original)} → ${oneLine(mutant.replacement)}`;
      });
    return [`# ${path}: ${living.length} of ${mutants.length} live`, ...lines].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}
