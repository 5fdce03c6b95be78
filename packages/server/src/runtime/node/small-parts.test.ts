import { type AddressInfo, createServer } from 'node:net';
import { Secret } from 'relayapi-token';
import { describe, expect, it, vi } from 'vitest';
import { createAuthorizer } from './admin.ts';
import { createLogOutput } from './log-output.ts';
import { checkPort } from './port-check.ts';
import { problemLine, problemText } from './problem-list.ts';
import { handleSignals } from './signals.ts';
import { demoLines, startLine } from './start-line.ts';

describe('problem list', () => {
  const problem = { source: 'config.json', path: '$.server.port', message: 'is wrong', fix: 'mend it' };

  it('names place, fault and fix; several under one heading', () => {
    expect(problemText([problem])).toBe('relayapi-server: config.json $.server.port: is wrong; mend it\n');
    expect(problemText([problem, { ...problem, path: '$' }])).toBe(
      'relayapi-server: 2 problems keep the relay from starting\n' +
        '  config.json $.server.port: is wrong; mend it\n' +
        '  config.json: is wrong; mend it\n',
    );
  });

  it('A55 shows no key and no second line, whatever stands in a file', () => {
    const line = problemLine({ ...problem, message: 'is "sk-demo-not-a-key"\nrelayapi-server: all is well' });
    expect(line).toBe('config.json $.server.port: is "[redacted]"?relayapi-server: all is well; mend it');
  });
});

describe('start line', () => {
  const facts = {
    url: 'http://127.0.0.1:8840/relayapi/',
    workers: 1,
    storeType: 'memory',
    storePromise: 'memory: counters survive a clean stop.',
    kids: ['k7Qx2a'],
    adminUrl: 'http://127.0.0.1:8841',
  };

  it('is one line with address, store and its promise, and keys', () => {
    expect(startLine(facts)).toBe(
      'relayapi-server listening on http://127.0.0.1:8840/relayapi/ · store memory: counters survive a clean stop · keys k7Qx2a · admin http://127.0.0.1:8841\n',
    );
  });

  it('says how many workers serve, where there are several', () => {
    expect(startLine({ ...facts, workers: 4 })).toContain(
      ' on http://127.0.0.1:8840/relayapi/ · 4 workers · store',
    );
  });

  it('stays one line with many keys', () => {
    const kids = Array.from({ length: 20 }, (_, index) => `kid-${index}`);
    expect(startLine({ ...facts, kids, adminUrl: null })).toContain(
      'keys kid-0, kid-1, kid-2, kid-3, kid-4, kid-5, kid-6, kid-7, and 12 more\n',
    );
  });

  it('demo mode adds the page, a URL and a curl line', () => {
    const text = demoLines({
      pageUrl: 'http://h/',
      relayUrl: 'http://h/relayapi/TOKEN',
      life: '100 calls, 1 hour',
    });
    expect(text).toContain('http://h/\n');
    expect(text).toContain('\n  http://h/relayapi/TOKEN\n');
    expect(text).toMatch(/\n {2}curl -N http:\/\/h\/relayapi\/TOKEN\/chat\/completions /);
  });
});

describe('log output', () => {
  it('gathers lines and writes them in one piece', () => {
    vi.useFakeTimers();
    const written: string[] = [];
    const output = createLogOutput({ write: (text) => written.push(text) });
    output.write('a\n');
    output.write('b\n');
    expect(written).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(written).toEqual(['a\nb\n']);
    output.write('c\n');
    output.flush();
    vi.advanceTimersByTime(100);
    expect(written).toEqual(['a\nb\n', 'c\n']);
    vi.useRealTimers();
  });

  it('does not wait when much is waiting', () => {
    const written: string[] = [];
    const output = createLogOutput({ write: (text) => written.push(text) });
    output.write('x'.repeat(64 * 1024));
    expect(written).toHaveLength(1);
  });
});

describe('signals', () => {
  function source() {
    const listeners = new Map<string, (value: unknown) => void>();
    const calls: string[] = [];
    handleSignals(
      { on: (event, listener) => listeners.set(event, listener) },
      {
        drain: () => calls.push('drain'),
        hurry: () => calls.push('hurry'),
        reload: () => calls.push('reload'),
        fault: (error) => calls.push(`fault ${error}`),
      },
    );
    return { emit: (event: string, value?: unknown) => listeners.get(event)?.(value), calls };
  }

  it('the first asks streams to end, the second ends them', () => {
    const { emit, calls } = source();
    emit('SIGTERM');
    emit('SIGINT');
    emit('SIGTERM');
    expect(calls).toEqual(['drain', 'hurry', 'hurry']);
  });

  it('SIGHUP looks at the keys, and what nobody caught is reported', () => {
    const { emit, calls } = source();
    emit('SIGHUP');
    emit('uncaughtException', 'a');
    emit('unhandledRejection', 'b');
    expect(calls).toEqual(['reload', 'fault a', 'fault b']);
  });
});

describe('port check', () => {
  const place = { source: 'config.json', path: '$.server.port' };

  it('a free port is no problem, a taken one is named with the fix', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await checkPort('127.0.0.1', port, place)).toEqual({
      ...place,
      message: `127.0.0.1:${port} is in use`,
      fix: 'stop the other program, or choose another port',
    });
    await new Promise((resolve) => other.close(resolve));
    expect(await checkPort('127.0.0.1', port, place)).toBeNull();
  });

  it('an address of another machine is named', async () => {
    expect((await checkPort('203.0.113.7', 0, place))?.message).toBe(
      '203.0.113.7 is no address of this machine',
    );
  });
});

it('the admin secret opens, and nothing near it', () => {
  const authorize = createAuthorizer(new Secret('demo-not-a-secret'));
  expect(authorize('Bearer demo-not-a-secret')).toBe(true);
  expect(authorize('bearer demo-not-a-secret')).toBe(true);
  for (const header of [
    undefined,
    '',
    'Bearer ',
    'demo-not-a-secret',
    'Bearer demo-not-a-secre',
    'Basic demo-not-a-secret',
    'Bearer demo-not-a-secret x',
  ]) {
    expect(authorize(header)).toBe(false);
  }
});
