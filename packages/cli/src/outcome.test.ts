/** Outcomes: exit codes, what goes to which stream, and JSON that scripts can trust. */
import { RaiError } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { done, isMisused, misuse, type Outcome, problemLine, refuse, refuseRai, report } from './outcome.ts';
import type { Terminal } from './terminal.ts';

function show(outcome: Outcome, json = false) {
  const out = { stdout: '', stderr: '' };
  const terminal: Terminal = {
    stdout(text) {
      out.stdout += text;
    },
    stderr(text) {
      out.stderr += text;
    },
    env: {},
    stdinIsTerminal: true,
    readStdin: () => Promise.resolve(null),
    async *stdinBytes() {},
    now: () => 0,
  };
  return { code: report(outcome, terminal, json), ...out };
}

const twoProblems: Outcome = {
  kind: 'refused',
  problems: [
    { source: 'a.rai', path: '$.iss', message: 'is missing', fix: 'write a short name' },
    { source: 'b.rai', path: '$', message: 'there is no such file', fix: 'check the name' },
  ],
  data: { files: [] },
  text: 'seen so far\n',
};

describe('report', () => {
  it('done: the result on standard output, words on standard error, 0', () => {
    const shown = show(done({ url: 'u' }, 'u\n', ['sealed']));
    expect(shown).toEqual({ code: 0, stdout: 'u\n', stderr: 'sealed\n' });
  });

  it('done as JSON: one object, notes inside it, nothing else', () => {
    const shown = show(done({ url: 'u' }, 'u\n', ['sealed']), true);
    expect(shown.stderr).toBe('');
    expect(shown.stdout.endsWith('}\n')).toBe(true);
    expect(JSON.parse(shown.stdout)).toEqual({ ok: true, url: 'u', notes: ['sealed'] });
  });

  it('done without notes has no empty list of them', () => {
    expect(JSON.parse(show(done({}, ''), true).stdout)).toEqual({ ok: true });
  });

  it('one problem is one line, 1', () => {
    const shown = show(refuse('a.rai', 'is a folder', 'name a file'));
    expect(shown).toEqual({ code: 1, stdout: '', stderr: 'relayapi: a.rai: is a folder; name a file\n' });
  });

  it('several problems are counted and listed, what was found all the same is shown', () => {
    const shown = show(twoProblems);
    expect(shown.code).toBe(1);
    expect(shown.stdout).toBe('seen so far\n');
    expect(shown.stderr).toBe(
      'relayapi: 2 problems\n  a.rai $.iss: is missing; write a short name\n  b.rai: there is no such file; check the name\n',
    );
  });

  it('a refusal as JSON carries every problem with its path and fix, and is still told on standard error', () => {
    const shown = show(twoProblems, true);
    const data = JSON.parse(shown.stdout) as { ok: boolean; problems: unknown[] };
    expect(data.ok).toBe(false);
    expect(data.problems).toEqual('problems' in twoProblems && twoProblems.problems);
    expect(shown.stderr).toContain('2 problems');
  });

  it('a misuse is one line, 2, and JSON of its own', () => {
    expect(show(misuse('--x takes a number'))).toEqual({
      code: 2,
      stdout: '',
      stderr: 'relayapi: --x takes a number\n',
    });
    expect(JSON.parse(show(misuse('no'), true).stdout)).toEqual({ ok: false, usage: 'no' });
  });
});

describe('problems', () => {
  it('a file name that the message repeats is said once', () => {
    const line = problemLine({
      source: 'a.rai',
      path: '$',
      message: 'a.rai is open to other users',
      fix: 'chmod 600 a.rai',
    });
    expect(line).toBe('a.rai: is open to other users; chmod 600 a.rai');
  });

  it('a RaiError becomes a refusal with its source; any other error is thrown on', () => {
    const error = new RaiError([{ path: '$.keys', message: 'is missing', fix: 'write a list' }]);
    expect(refuseRai('a.rai', error).problems).toEqual([
      { source: 'a.rai', path: '$.keys', message: 'is missing', fix: 'write a list' },
    ]);
    const bug = new TypeError('bug');
    expect(() => refuseRai('a.rai', bug)).toThrow(bug);
  });

  it('tells a misuse from values that look a little like one', () => {
    expect(isMisused(misuse('x'))).toBe(true);
    for (const value of [null, 'misused', {}, 3, { kind: 'misused', message: 'x' }])
      expect(isMisused(value)).toBe(false);
  });
});
