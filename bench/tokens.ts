/**
 * What opening and sealing a token costs in CPU, portable against native, in one interleaved run. Run as a program it prints a table.
 * The time is the process's own, user and system, so that a neighbour who takes the core costs no candidate anything.
 */
import {
  createKeyring,
  createRai,
  encodeBase64Url,
  encodeUtf8,
  openToken,
  parseRai,
  sealToken,
} from 'relayapi-token';
import { nativeSealToken } from '../packages/sdk-node/src/native-sealer.ts';
import { nativeOpenToken } from '../packages/server/src/runtime/node/native-opener.ts';

/** CPU µs per operation over the rounds. */
export interface TokenFigure {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Each round's figure, in order. */
  readonly rounds: readonly number[];
}

/** How long to measure; a round takes `roundMs` per row. */
export interface MeasureTokensOptions {
  /** Default 7. */
  readonly rounds?: number;
  /** CPU milliseconds of a row in one round, default 100. */
  readonly roundMs?: number;
}

interface Row {
  readonly name: string;
  /** One operation on the `i`th token; true where it came out as it should. */
  readonly run: (i: number) => boolean | Promise<boolean>;
}

const NOW = 1_800_000_000;
/** Different tokens, so that nothing remembers one. */
const TOKENS = 64;

/** Claims as a shop would give them: 341 bytes. */
const claims = {
  iss: 'shop',
  aud: 'relay.example.com',
  jti: 'AAECAwQFBgcICQoL',
  iat: NOW - 10,
  exp: NOW + 3000,
  sub: 'user-42',
  upstream: { provider: 'openai', key: 'sk-demo-not-a-key-but-as-long-as-one-would-be-0123456789' },
  limits: { calls: 100, rate: [10, 60] as const, concurrency: 4 },
  models: ['gpt-4o-mini', 'gpt-4.1*'],
  origins: ['https://app.example.com'],
};

async function makeRows(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const seals: Row[] = [];
  for (const method of ['aes', 'ecc'] as const) {
    const pair = createRai({ method, relay: 'https://relay.example.com/relayapi/', iss: 'shop' }) as {
      issuer: object;
      relay: object;
    };
    const files = [{ name: 'relay.rai', file: parseRai(pair.relay) }];
    const { keyring } = await createKeyring(files, { generation: 1 });
    const issuer = parseRai(pair.issuer);
    const tokens = Array.from({ length: TOKENS }, () => nativeSealToken(issuer, claims));
    const native = (from: readonly string[], opens: boolean) => (i: number) =>
      (nativeOpenToken(from[i % TOKENS] as string, keyring, { now: NOW }) !== null) === opens;
    rows.push(
      {
        name: `${method} open jose`,
        run: async (i) => (await openToken(tokens[i % TOKENS] as string, keyring, { now: NOW })) !== null,
      },
      { name: `${method} open native`, run: native(tokens, true) },
    );
    if (method === 'aes') rows.push(...refusals(tokens, native));
    seals.push(
      { name: `${method} seal noble`, run: () => sealToken(issuer, claims) !== '' },
      { name: `${method} seal native`, run: () => nativeSealToken(issuer, claims) !== '' },
    );
  }
  return [...rows, ...seals];
}

/** What is refused, from the cheapest on: by its shape, by its header, by its key id, by its tag. */
function refusals(
  tokens: readonly string[],
  native: (from: readonly string[], opens: boolean) => Row['run'],
): readonly Row[] {
  const header = (text: string) => (token: string) =>
    encodeBase64Url(encodeUtf8(text)) + token.slice(token.indexOf('.'));
  const row = (name: string, change: (token: string) => string): Row => ({
    name: `${name}, refused native`,
    run: native(tokens.map(change), false),
  });
  return [
    row('malformed parts', (token) => `${token.slice(0, -1)}_`),
    row('malformed header', header('{"alg":"A256KW","enc":"A256GCM",')),
    row('unknown kid', header('{"alg":"A256KW","enc":"A256GCM","kid":"nobody","typ":"rai+jwt"}')),
    row(
      'wrong tag',
      (token) => `${token.slice(0, -22)}${token.at(-22) === 'A' ? 'B' : 'A'}${token.slice(-21)}`,
    ),
  ];
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** CPU µs per operation of as many operations as take `micros`. Throws when one does not come out as it should. */
async function measure({ name, run }: Row, micros: number): Promise<number> {
  const start = cpuMicros();
  let done = 0;
  let spent = 0;
  while (spent < micros) {
    // asked for the time once in a while: asking costs half a µs
    for (let left = 16; left > 0; left--) {
      const answer = run(done++);
      if (!(typeof answer === 'boolean' ? answer : await answer))
        throw new Error(`${name}: not as it should be`);
    }
    spent = cpuMicros() - start;
  }
  return spent / done;
}

function summarise(name: string, values: readonly number[]): TokenFigure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => Number((sorted[i] as number).toFixed(2));
  return {
    name,
    median: at(sorted.length >> 1),
    min: at(0),
    max: at(sorted.length - 1),
    rounds: values.map((value) => Number(value.toFixed(2))),
  };
}

/** Measures every row in turn, round by round, after a round that is not counted. Throws when a token is not opened or refused as it should be. */
export async function measureTokens(options: MeasureTokensOptions = {}): Promise<readonly TokenFigure[]> {
  const { rounds = 7, roundMs = 100 } = options;
  const rows = await makeRows();
  const values = rows.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, row] of rows.entries()) {
      const value = await measure(row, roundMs * 1000);
      if (round > 0) (values[i] as number[]).push(value);
    }
  }
  return rows.map(({ name }, i) => summarise(name, values[i] as number[]));
}

/** The figures as a Markdown table, each row with its ratio to its portable twin where it has one. */
export function renderTokens(figures: readonly TokenFigure[]): string {
  const twins = figures.map(({ name }) => name.replace(/native$/, name.includes('seal') ? 'noble' : 'jose'));
  const lines = figures.map(({ name, median, min, max }, i) => {
    const twin = figures.find((one) => one.name === twins[i] && one.name !== name);
    const ratio = twin === undefined ? '' : `${(twin.median / median).toFixed(1)} × faster`;
    return `| ${name} | ${median.toFixed(1)} | ${min.toFixed(1)} to ${max.toFixed(1)} | ${ratio} |`;
  });
  return ['| | CPU µs, median | spread | |', '|---|--:|--:|---|', ...lines].join('\n');
}

if (import.meta.main) {
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}\n`);
  console.log(renderTokens(await measureTokens()));
}
