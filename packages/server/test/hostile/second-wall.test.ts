/** The second wall alone: with a Secret that tells its text to whoever prints it, every door to the outside still shows nothing. */
import { Secret } from 'relayapi-token';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { errorFields, type LogFields, maskLogger } from '../../src/observability/logger.ts';
import { redact } from '../../src/redact.ts';
import { createJsonLogger } from '../../src/runtime/node/json-logger.ts';
import { faultLine } from '../../src/runtime/node/last-resort.ts';
import { problemText } from '../../src/runtime/node/problem-list.ts';
import { startRelay } from '../support/relay-fixture.ts';

const KEY = 'sk-demo-not-a-key-q7Wm3Zr9Tb1Kx5Vd';

beforeEach(() => {
  // the first wall, down
  const tell = function (this: Secret) {
    return this.reveal();
  };
  vi.spyOn(Secret.prototype, 'toString').mockImplementation(tell);
  vi.spyOn(Secret.prototype, 'toJSON').mockImplementation(tell);
});
afterEach(() => void vi.restoreAllMocks());

it('A55 without the first wall, nothing passes the log, the list of problems, or the last line of a process', async () => {
  const relay = await startRelay();
  const token = relay.token({ apiKey: KEY });
  await relay.close();
  const [key, sealed] = [new Secret(KEY), new Secret(token)];
  expect(`${key} ${JSON.stringify({ sealed })}`).toContain(KEY);
  expect(JSON.stringify({ sealed })).toContain(token);

  const written: string[] = [];
  const other: unknown[] = [];
  const loggers = [
    createJsonLogger('debug', { write: (line) => written.push(line) }),
    maskLogger({ enabled: () => true, log: (...all) => void other.push(all) }),
  ];
  const error = new Error(`bad ${key}`, { cause: new TypeError(`at ${sealed}`) });
  for (const logger of loggers) {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      logger.log(level, `sent ${key} by ${sealed}`, {
        path: `/relayapi/${sealed}/v1`,
        header: `Bearer ${key}`,
        nested: JSON.stringify({ headers: { authorization: `Bearer ${key}` }, url: `https://h/${sealed}` }),
        encoded: encodeURIComponent(`https://h/?key=${key}&t=${sealed}`),
      });
      logger.log(level, 'fault', errorFields(error));
    }
  }
  createJsonLogger('debug', { write: (line) => written.push(line) }).log('info', 'x', {
    key,
    sealed,
  } as unknown as LogFields);
  const problems = problemText([{ source: `${key}`, path: '$', message: `is ${sealed}`, fix: `not ${key}` }]);
  const said = [...written, JSON.stringify(other), problems, faultLine(error)].join('\n');
  for (const part of [KEY.slice(8), ...token.split('.')])
    if (part.length > 12) expect(said).not.toContain(part);
  expect(said).toContain('[token]');
  expect(said).toContain('[redacted]');
  for (const line of written) expect(() => JSON.parse(line)).not.toThrow();
  expect(redact(said)).toBe(said);
});
