/**
 * Bundles the try-it page, the official OpenAI SDK inside, into plain files that the relay serves from its own origin.
 * Run as a script it writes dist/page; the relay run from source calls `buildPage` and keeps the files in memory.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = new URL('../src/http/page/', import.meta.url);

/** The page's files by name, as they are served. `minify` is off while developing, for readable stacks. */
export async function buildPage({ minify = true } = {}): Promise<Record<string, string>> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', source))],
    bundle: true,
    write: false,
    minify,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'error',
  });
  const text = (name: string) => readFileSync(new URL(name, source), 'utf8');
  return {
    'index.html': text('index.html'),
    'page.css': text('page.css'),
    'icon.svg': text('icon.svg'),
    'page.js': result.outputFiles[0]?.text ?? '',
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = new URL('../dist/page/', import.meta.url);
  mkdirSync(target, { recursive: true });
  for (const [name, content] of Object.entries(await buildPage())) {
    writeFileSync(new URL(name, target), content);
  }
}
