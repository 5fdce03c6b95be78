// The checks of documents bite: dead links, dead anchors, code that does not compile, paths of machines, keys.
import { describe, expect, test } from 'vitest';
import { findBrokenBlocks, findDeadLinks, findLeaks, listAnchors, listCodeBlocks } from './check-docs.ts';

const paths = ['README.md', 'docs/errors.md', 'docs/guides/start.md', 'src/a.ts'];
const deadIn = (text: string, path = 'README.md') =>
  findDeadLinks(
    [
      { path, text },
      { path: 'docs/errors.md', text: '# Errors\n\n## `token_expired`\n\n## Twice\n\n## Twice\n' },
    ],
    paths,
  );

describe('links', () => {
  test('files, folders, anchors and the web pass', () => {
    expect(
      deadIn(
        '[a](docs/errors.md) [b](docs/) [c](docs/errors.md#token_expired) [d](./src/a.ts) [e](https://example.com/x) [f](docs/errors.md#twice-1)\n[g]: docs/guides/start.md\n',
      ),
    ).toEqual([]);
  });

  test('a missing file is named with its line', () => {
    expect(deadIn('# A\n\n[a](docs/none.md)\n')).toEqual([
      'README.md:3: the link docs/none.md leads nowhere',
    ]);
  });

  test('a missing heading is named', () => {
    expect(deadIn('[a](docs/errors.md#nope)\n')).toEqual([
      expect.stringContaining('a heading that is not there'),
    ]);
    expect(deadIn('# Here\n\n[a](#there)\n')).toEqual([expect.stringContaining('#there')]);
  });

  test('links are taken from the folder of the document', () => {
    expect(deadIn('[a](../errors.md)\n', 'docs/guides/start.md')).toEqual([]);
    expect(deadIn('[a](errors.md)\n', 'docs/guides/start.md')).toHaveLength(1);
  });

  test('images and HTML links count, code does not', () => {
    expect(deadIn('![p](docs/none.png)\n<img src="docs/none.svg">\n')).toHaveLength(2);
    expect(deadIn('`[a](none.md)`\n\n```md\n[a](none.md)\n```\n')).toEqual([]);
  });

  test('anchors are made as the forge makes them', () => {
    expect([
      ...listAnchors('# A & B\n## `kid` and *keys*\n## [Link](x.md) too\n## 中文 标题\n<a id="own"></a>\n'),
    ]).toEqual(['a--b', 'kid-and-keys', 'link-too', '中文-标题', 'own']);
  });
});

describe('code blocks', () => {
  const document = (code: string) => ({
    path: 'docs/a.md',
    text: `# A\n\n\`\`\`ts compile\n${code}\n\`\`\`\n\n\`\`\`ts\nno(\n\`\`\`\n`,
  });

  test('only marked blocks are taken, with the line they start on', () => {
    expect(listCodeBlocks(document('const a = 1;'))).toEqual([
      { path: 'docs/a.md', line: 4, text: 'const a = 1;\n' },
    ]);
  });

  test('a block that does not compile is reported at its line in the document, one that does is not', () => {
    const good = listCodeBlocks(
      document("import { RelayAPIClient } from 'relayapi-sdk';\nexport const a: unknown = RelayAPIClient;"),
    );
    const bad = listCodeBlocks(document('const a = 1;\nconst b: string = a;'));
    const problems = findBrokenBlocks(process.cwd(), [...good, ...bad]);
    expect(problems).toEqual([expect.stringMatching(/^docs\/a\.md:5: error TS2322/)]);
  }, 60_000);
});

describe('leaks', () => {
  // put together here, so that this file does not hold what it looks for
  const join = (...parts: string[]) => parts.join('');

  test.each([
    ['a private key', join('-----BEGIN ', 'PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ')],
    ['an OpenAI-like key', join('sk-', 'proj-abcdefghijklmnopqrstuvwx')],
    ['a Google-like key', join('AI', 'zaSyA1234567890abcdefghijklmnopqrstuvw')],
    ['an AWS-like key id', join('AK', 'IAABCDEFGHIJKLMNOP')],
    ['a GitHub-like token', join('gh', 'p_abcdefghijklmnopqrstuvwxyz0123456789')],
    ['a path of a machine', join('/ho', 'me/alice/relay')],
    ['a path of a machine', join('see /ro', 'ot/.npmrc')],
    ['a path of a machine', join('/wo', 'rk/app')],
  ])('%s is found', (name, text) => {
    expect(findLeaks([{ path: 'a.md', text: `x\n${text}\n` }])).toEqual([`a.md:2: ${name}`]);
  });

  test.each([
    'sk-demo-not-a-key',
    'https://example.com/home/page',
    'examples/work/a',
    '~/.local/bin',
    '/v1/chat/completions',
    'task-force-of-more-than-twenty',
  ])('%s is none', (text) => {
    expect(findLeaks([{ path: 'a.md', text }])).toEqual([]);
  });

  test('vectors may hold keys', () => {
    expect(
      findLeaks([{ path: 'packages/token/vectors/a.json', text: join('sk-', 'abcdefghijklmnopqrstuvwx') }]),
    ).toEqual([]);
  });
});
