/** Runs one client through everything the matrix asks of it, and keeps what it said. */
import { ERRORS, type ErrorCode } from '../../../src/errors.ts';
import { CASES } from './cases.ts';
import type { ClientProgram, Order, Result } from './client-program.ts';
import type { MatrixRelays, Place } from './relays.ts';
import type { Row } from './rows.ts';

const CODES = Object.keys(ERRORS) as readonly ErrorCode[];
const PLACES: readonly Place[] = ['path', 'header'];
const PROMPT = 'Good morning, client';
const MODEL = 'demo-chat';

/** One thing that was asked, and what came of it. */
export interface Finding {
  readonly row: Row;
  readonly way: Order['way'];
  /** `words`: at a server that says the error in the relay's own words. */
  readonly place: Place | 'words';
  /** Null where the call must succeed. */
  readonly code: ErrorCode | null;
  readonly result: Result;
  /** Null when it is as it must be, else what is wrong with it. */
  readonly wrong: string | null;
}

/** Asks a client for everything; the calls of a row are made at the same time. */
export async function runRow(program: ClientProgram, relays: MatrixRelays, row: Row): Promise<Finding[]> {
  const ways: readonly Order['way'][] = row.unstreamed === undefined ? ['plain', 'streamed'] : ['plain'];
  const ask = (way: Order['way'], door: { base: string; key: string }) =>
    program.ask({ client: row.client, way, door: { ...door, model: MODEL, prompt: PROMPT } });
  const find = (
    way: Order['way'],
    place: Finding['place'],
    code: ErrorCode | null,
    result: Result,
  ): Finding => ({
    row,
    way,
    place,
    code,
    result,
    wrong: judge(row, code, result),
  });
  const atRelay = PLACES.flatMap((place) =>
    ways.flatMap((way) => [
      ask(way, relays.door(row.provider, place)).then((result) => find(way, place, null, result)),
      ...CASES.map(async (given) => {
        const door = relays.door(row.provider, place, given);
        if (given.first) await ask(way, door);
        return find(way, place, given.code, await ask(way, door));
      }),
    ]),
  );
  const inWords = CODES.map(async (code) =>
    find('plain', 'words', code, await ask('plain', { base: relays.saying(code), key: 'relay' })),
  );
  return Promise.all([...atRelay, ...inWords]);
}

function judge(row: Row, code: ErrorCode | null, result: Result): string | null {
  if (code === null) {
    return 'text' in result && result.text.includes(PROMPT) ? null : `no answer: ${JSON.stringify(result)}`;
  }
  const oddity = row.odd?.[code];
  if (oddity?.shows === 'never') return null;
  const shown = oddity?.shows ?? ERRORS[code].message;
  if ('error' in result && result.error.includes(shown)) return null;
  return `${code} is not "${shown}" but ${JSON.stringify(result)}`;
}
