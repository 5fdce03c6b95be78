/** The files of the try-it page: built ones beside the program, or, when it runs from source, bundled on the spot. */
import { readFileSync } from 'node:fs';
import type { PageAsset } from '../../http/app.ts';

const SERVED: Readonly<Record<string, readonly [path: string, contentType: string]>> = {
  'index.html': ['/', 'text/html; charset=utf-8'],
  'page.css': ['/try/page.css', 'text/css; charset=utf-8'],
  'page.js': ['/try/page.js', 'text/javascript; charset=utf-8'],
  'icon.svg': ['/try/icon.svg', 'image/svg+xml'],
};

async function loadFiles(): Promise<Record<string, string>> {
  if (import.meta.url.endsWith('.ts')) {
    // named at run time: the bundler must not pull a build script, and esbuild with it, into the program
    const script = new URL('../../../scripts/build-page.ts', import.meta.url).href;
    const { buildPage } = (await import(script)) as typeof import('../../../scripts/build-page.ts');
    return buildPage({ minify: false });
  }
  const folder = new URL('./page/', import.meta.url);
  return Object.fromEntries(
    Object.keys(SERVED).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]),
  );
}

/** The files by the path they are served under. Throws when the program was built without them. */
export async function loadPageAssets(): Promise<ReadonlyMap<string, PageAsset>> {
  const files = await loadFiles();
  return new Map(
    Object.entries(SERVED).map(([name, [path, contentType]]) => [
      path,
      { contentType, body: files[name] ?? '' },
    ]),
  );
}
