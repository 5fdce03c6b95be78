/** Counts a shared table by hand: every cell is used once or free, every sum in the header is the sum of what is there. */
import { ACCOUNT, NEXT, readText } from '../../src/stores/shared-cells.ts';
import { accountOf, COUNT, ENTRY, KIND, readEntry } from '../../src/stores/shared-entries.ts';
import {
  CELL_DOUBLES,
  CELL_WORDS,
  createSharedTable,
  DOUBLE,
  type SharedTable,
  WORD,
} from '../../src/stores/shared-table.ts';

/** Sums that the header keeps. */
export interface TableSums {
  readonly used: number;
  readonly promised: number;
  readonly tokens: number;
  readonly bytes: number;
}

/** The sums as the header has them; cells of the header itself aside. */
export function readSums(table: SharedTable): TableSums {
  const { doubles } = table;
  const capacityBytes = doubles[DOUBLE.capacityBytes] as number;
  const header = createSharedTable({ capacityBytes }).doubles[DOUBLE.used] as number;
  return {
    used: (doubles[DOUBLE.used] as number) - header,
    promised: (doubles[DOUBLE.promised] as number) - header,
    tokens: doubles[DOUBLE.tokens] as number,
    bytes: doubles[DOUBLE.bytes] as number,
  };
}

/** The sums as counted; throws when a cell stands in two places, is lost, or an issuer's bytes are not those of its entries. */
export function countSums(table: SharedTable): TableSums {
  const { words, doubles } = table;
  let [used, promised, tokens, bytes, hanging] = [0, 0, 0, 0, 0];
  const ofIssuer = new Map<string, number>();
  const claimed = new Map<string, number>();
  for (let chain = 0; chain <= table.chainMask; chain++) {
    for (let cell = words[table.chainsAt + chain] as number; cell !== 0; ) {
      const at = cell * CELL_WORDS;
      const kind = words[at + ENTRY.kind] as number;
      if (kind === KIND.issuer) {
        const cells = 1 + Math.ceil((words[at + ENTRY.once] as number) / 56);
        used += cells;
        promised += cells;
        const name = readText(table, words[at + ENTRY.account] as number, words[at + ENTRY.once] as number);
        claimed.set(name, doubles[cell * CELL_DOUBLES + COUNT.used] as number);
      } else if (kind === KIND.once) hanging += 1;
      else {
        const account = accountOf(table, cell) * CELL_WORDS;
        const own = words[account + ACCOUNT.used] as number;
        used += own;
        promised += Math.max(own, words[account + ACCOUNT.promised] as number);
        const entry = readEntry(table, cell);
        bytes += entry.bytes;
        if (kind === KIND.token) tokens += 1;
        ofIssuer.set(entry.issuer, (ofIssuer.get(entry.issuer) ?? 0) + entry.bytes);
      }
      cell = words[at + NEXT] as number;
    }
  }
  if (hanging > used) throw new Error('more nonces than cells');
  const free = new Set<number>();
  for (let cell = words[WORD.free] as number; cell !== 0; cell = words[cell * CELL_WORDS + NEXT] as number) {
    if (free.has(cell)) throw new Error(`cell ${cell} is free twice`);
    free.add(cell);
  }
  const header = (doubles[DOUBLE.used] as number) - readSums(table).used;
  if ((words[WORD.fresh] as number) - header !== used + free.size) throw new Error('cells are lost');
  for (const [name, sum] of ofIssuer) {
    if (claimed.get(name) !== sum) throw new Error(`issuer ${name} has ${claimed.get(name)}, not ${sum}`);
  }
  if (claimed.size !== ofIssuer.size) throw new Error('an issuer without entries is left');
  return { used, promised, tokens, bytes };
}
