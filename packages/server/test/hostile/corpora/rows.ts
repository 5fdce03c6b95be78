/**
 * Reads a corpus: JSON of groups, each with its source, its licence and rows, each row with what must happen. Not a test; the
 * tests beside this folder run every row. README.md here lists the files.
 */
import { readFileSync } from 'node:fs';

/** A corpus file. */
interface Corpus<Row> {
  readonly about: string;
  readonly groups: readonly {
    readonly group: string;
    readonly source: string;
    readonly licence: string;
    readonly rows: readonly Row[];
  }[];
}

/** Every row of `corpora/<name>.json`, in order, with the name of its group. Throws where a group does not say where it is from. */
export function rowsOf<Row extends object>(name: string): readonly (Row & { readonly group: string })[] {
  const text = readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8');
  const { groups } = JSON.parse(text) as Corpus<Row>;
  return groups.flatMap(({ group, source, licence, rows }) => {
    if (!group || !source || !licence || rows.length === 0) {
      throw new Error(`${name}.json: a group needs a name, a source, a licence and rows (${group})`);
    }
    return rows.map((row) => ({ ...row, group }));
  });
}
