import { expect, it } from 'vitest';
import { curlLine } from './curl-line.ts';

it('is one line that a shell takes as it is', () => {
  const line = curlLine('http://127.0.0.1:8840/relayapi/TOKEN', { model: 'demo-chat' });
  expect(line).not.toContain('\n');
  expect(line).toMatch(/^curl -N http:\/\/127\.0\.0\.1:8840\/relayapi\/TOKEN\/chat\/completions /);
  const body = /-d '([^']*)'$/.exec(line)?.[1] ?? '';
  expect(JSON.parse(body)).toMatchObject({ model: 'demo-chat', stream: true });
});

it('adds the origin for a URL that only a page may use', () => {
  expect(curlLine('http://h/t', { model: 'm', origin: 'http://h' })).toContain("-H 'Origin: http://h'");
});
