import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFlags, USAGE } from './flags.ts';

const faults = (argv: string[]) =>
  parseFlags(argv).problems.map(({ path, message, fix }) => `${path} ${message}; ${fix}`);

describe('one dash and two', () => {
  it.each([
    [['-rai', 'a.rai', '-config', 'c.json', '-d', '-demo']],
    [['--rai', 'a.rai', '--config', 'c.json', '--d', '--demo']],
    [['-rai=a.rai', '--config=c.json', '--debug', '-demo=true']],
  ])('%j mean the same', (argv) => {
    expect(parseFlags(argv)).toMatchObject({
      rai: 'a.rai',
      config: 'c.json',
      debug: true,
      demo: true,
      gen: null,
      allowShared: false,
      raiGroupRead: false,
      problems: [],
    });
  });

  it('hold for every flag', () => {
    for (const dash of ['-', '--']) {
      const argv = ['allow-shared', 'rai-group-read', 'help', 'version'].map((name) => dash + name);
      expect(parseFlags([...argv, `${dash}gen`, '127.0.0.1:1'])).toMatchObject({
        allowShared: true,
        raiGroupRead: true,
        help: true,
        version: true,
        gen: '127.0.0.1:1',
      });
    }
  });
});

describe('config keys', () => {
  it('are set by their dotted names', () => {
    expect(parseFlags(['-server.port', '9000', '--store.volatile=reset']).keys).toEqual({
      'server.port': '9000',
      'store.volatile': 'reset',
    });
  });

  it('take negative numbers and texts with "=" in them', () => {
    expect(parseFlags(['-server.port', '-1', '-store.url=redis://h/?a=b']).keys).toEqual({
      'server.port': '-1',
      'store.url': 'redis://h/?a=b',
    });
  });
});

describe('mistakes', () => {
  it('are all reported at once', () => {
    expect(
      faults([
        '-ria',
        'a.rai',
        '-config',
        '-demoo',
        'stray',
        '-d=5',
        '-server.prot',
        '1',
        '-rai',
        'a',
        '-rai',
        'b',
      ]),
    ).toEqual([
      '-ria unknown flag; did you mean "-rai"?; see relayapi-server -help',
      '-config needs a value; write -config config.json',
      '-demoo unknown flag; did you mean "-demo"?; see relayapi-server -help',
      '-d takes no value; write -d',
      '-server.prot unknown flag; did you mean "-server.port"?; see relayapi-server -help',
      '-rai stands twice; keep one',
    ]);
  });

  it('a stray argument is not repeated: it may be a key', () => {
    const [problem] = parseFlags(['sk-demo-not-a-key']).problems;
    expect(JSON.stringify(problem)).not.toContain('sk-demo');
    expect(problem?.path).toBe('argument 1');
  });

  it.each([['-rai='], ['-rai', ''], ['-gen']].map((argv) => [argv]))('%j needs a value', (argv) => {
    expect(faults(argv)[0]).toContain('needs a value');
  });
});

it('the help names every flag', () => {
  for (const name of ['-rai', '-config', '-d', '-demo', '-gen', '-allow-shared', '-rai-group-read']) {
    expect(USAGE).toContain(`  ${name}`);
  }
});

it('whatever the arguments are, there is an answer, and no text of theirs but names', () => {
  const words = fc.oneof(
    fc.string(),
    fc.constantFrom('-rai', '--config', '-d', '-gen=', '-server.port', '-x', '--', '-', '=', 'a.rai'),
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), (argv) => {
      const { problems } = parseFlags(argv);
      for (const { path, fix } of problems) expect([path.length < 70, fix.length > 0]).toEqual([true, true]);
    }),
  );
});
