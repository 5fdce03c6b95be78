// Holds the sources to the import matrix: runs dependency-cruiser, proves that every source file was looked at,
// and finds npm packages that more than one room imports.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult, type IModule } from 'dependency-cruiser';
import { IMPORT_RULES, roomOf, SHARED_DEPENDENCIES } from './import-rules.ts';

/** One broken rule: its name, the file at fault and what it reached for. */
export interface ImportViolation {
  rule: string;
  from: string;
  to: string;
}

/** What a look over the sources found. `modules` counts the source files of this repository that were read. */
export interface ImportReport {
  modules: number;
  violations: ImportViolation[];
}

/** Checks the repository (or a copy of its shape) at `root`. */
export async function checkImports(root: string): Promise<ImportReport> {
  const { output } = await cruise(
    ['packages'],
    {
      baseDir: root,
      ruleSet: { forbidden: IMPORT_RULES },
      validate: true,
      includeOnly: undefined,
      exclude: { path: ['/dist/', '^packages/[^/]+/(test|scripts)/', '(tsup|vitest)\\.config\\.ts$'] },
      doNotFollow: { path: ['node_modules'] },
      tsPreCompilationDeps: true,
      combinedDependencies: true,
      builtInModules: { add: ['node:sqlite', 'node:test'] },
      outputType: undefined,
    } as never,
    {
      conditionNames: ['relayapi-source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.d.ts'],
    },
  );
  if (typeof output === 'string')
    throw new Error('dependency-cruiser answered with text instead of a result');
  const violations = output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  return {
    modules: countSources(output),
    violations: [...violations, ...findUnread(root, output), ...findManyImporters(output.modules)],
  };
}

function isSource(path: string): boolean {
  return /^packages\/[^/]+\/src\/.+\.ts$/.test(path);
}

function countSources(result: ICruiseResult): number {
  return result.modules.filter((module) => isSource(module.source)).length;
}

// A cruiser that reads nothing (a TypeScript without a JavaScript API, a wrong folder) finds nothing: it must fail instead.
function findUnread(root: string, result: ICruiseResult): ImportViolation[] {
  const read = new Set(result.modules.map((module) => module.source));
  const onDisk = globSync('packages/*/src/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'));
  const unread = onDisk.filter((path) => !read.has(path));
  if (onDisk.length === 0) unread.push('packages/*/src');
  // a type import is seen only when dependency-cruiser has TypeScript at hand; what a package keeps in test/ is not cruised
  const blind = onDisk.filter((path) => {
    if (
      !/^import (type )?.* from '\.{1,2}\/(?!(?:\.\.\/)*test\/)/m.test(readFileSync(join(root, path), 'utf8'))
    )
      return false;
    return result.modules.find((module) => module.source === path)?.dependencies.length === 0;
  });
  return [...unread, ...blind].map((path) => ({ rule: 'all-sources-read', from: path, to: '' }));
}

// Law: one importing room per npm dependency, so that swapping one is a change in one room.
function findManyImporters(modules: readonly IModule[]): ImportViolation[] {
  const rooms = new Map<string, Map<string, string>>();
  for (const module of modules) {
    const room = module.source.endsWith('.test.ts') ? null : roomOf(module.source);
    if (room === null) continue;
    for (const { resolved } of module.dependencies) {
      const name = packageOf(resolved);
      if (name === null || SHARED_DEPENDENCIES.includes(name)) continue;
      const importers = rooms.get(name) ?? new Map<string, string>();
      importers.set(room, module.source);
      rooms.set(name, importers);
    }
  }
  return [...rooms].flatMap(([name, importers]) =>
    importers.size < 2
      ? []
      : [...importers.values()].map((from) => ({ rule: 'one-room-per-dependency', from, to: name })),
  );
}

function packageOf(resolved: string): string | null {
  const at = resolved.lastIndexOf('node_modules/');
  if (at < 0) return null;
  const [scope = '', name = ''] = resolved.slice(at + 'node_modules/'.length).split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

if (import.meta.main) {
  const { modules, violations } = await checkImports(process.cwd());
  for (const { rule, from, to } of violations) console.log(`${from}: ${rule}: ${to}`);
  console.log(`${modules} modules read, ${violations.length} violations`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
