import { Secret } from 'relayapi-token';
import { expect, it } from 'vitest';
import { createJsonLogger } from './json-logger.ts';

function collect(level: 'debug' | 'info' | 'error') {
  const lines: string[] = [];
  return { lines, log: createJsonLogger(level, { write: (line) => lines.push(line) }) };
}

it('writes one JSON object per line, with level, time and message', () => {
  const { lines, log } = collect('info');
  log.log('warn', 'something', { n: 1, none: undefined });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/\n$/);
  const { time, ...rest } = JSON.parse(lines[0] as string);
  expect(rest).toEqual({ level: 'warn', msg: 'something', n: 1 });
  expect(new Date(time).toISOString()).toBe(time);
});

it('leaves out what is below its level', () => {
  const { lines, log } = collect('error');
  log.log('info', 'no');
  log.log('error', 'yes');
  expect(lines).toHaveLength(1);
  expect([log.enabled('debug'), log.enabled('warn'), log.enabled('error')]).toEqual([false, false, true]);
});

it('A55 masks keys and tokens in any field and in the message, and stays JSON', () => {
  const { lines, log } = collect('debug');
  const key = 'sk-demo-not-a-key';
  log.log('debug', `sent ${key}`, {
    header: `Bearer ${key}`,
    quoted: JSON.stringify({ api_key: key }),
    wrapped: new Secret(key) as unknown as string,
  });
  expect(lines.join('')).not.toContain(key);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ msg: 'sent [redacted]', wrapped: '[secret]' });
});
