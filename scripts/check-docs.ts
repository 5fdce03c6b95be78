// The documents held to the tree: links and anchors lead somewhere, marked code compiles, nothing names a machine or holds a key.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { listRepositoryFiles, type RepositoryFile } from './check-house.ts';

/** A code block of a document that asks to be compiled (```ts compile). */
export interface CodeBlock {
  path: string;
  line: number;
  text: string;
}

/** The anchors that a Markdown text offers, made as GitHub makes them. */
export function listAnchors(text: string): Set<string> {
  const anchors = new Set<string>();
  const used = new Map<string, number>();
  for (const line of stripFences(text).split('\n')) {
    for (const [, id = ''] of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
    const heading = /^#{1,6}\s+(.+?)\s*#*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = slugify(heading);
    const count = used.get(slug) ?? 0;
    used.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

function slugify(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

// Keeps the line numbers.
function stripFences(text: string): string {
  return text.replace(/^( *)(```+|~~~+)[^\n]*\n[\s\S]*?^\1\2[^\n]*$/gm, (block) =>
    block.replace(/[^\n]/g, ''),
  );
}

/** Finds relative links, images and anchors of Markdown files that lead nowhere. `paths` are all files there are. */
export function findDeadLinks(documents: readonly RepositoryFile[], paths: readonly string[]): string[] {
  const files = new Set(paths);
  const folders = new Set(paths.flatMap((path) => listParents(path)));
  const anchorsOf = new Map(documents.map(({ path, text }) => [path, listAnchors(text)]));
  const problems: string[] = [];
  for (const { path, text } of documents) {
    for (const { target, line } of listLinks(text)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target) || target.startsWith('//')) continue;
      const [file = '', anchor] = target.split('#');
      const goal =
        file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file))).replace(/\/$/, '');
      if (goal !== '.' && !files.has(goal) && !folders.has(goal)) {
        problems.push(`${path}:${line}: the link ${target} leads nowhere`);
      } else if (
        anchor !== undefined &&
        goal.endsWith('.md') &&
        !anchorsOf.get(goal)?.has(decodeURIComponent(anchor))
      ) {
        problems.push(`${path}:${line}: ${target} names a heading that is not there`);
      }
    }
  }
  return problems;
}

function listParents(path: string): string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}

function listLinks(text: string): { target: string; line: number }[] {
  const links: { target: string; line: number }[] = [];
  for (const [index, raw] of stripFences(text).split('\n').entries()) {
    const line = raw.replace(/`[^`]*`/g, '');
    const inline = line.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g);
    const reference = line.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/g);
    const html = line.matchAll(/<(?:img|a|source)\b[^>]*?\b(?:src|href|srcset)="([^"]+)"/g);
    for (const match of [...inline, ...reference, ...html])
      links.push({ target: match[1] ?? '', line: index + 1 });
  }
  return links;
}

/** Takes the blocks marked ```ts compile out of a document. */
export function listCodeBlocks({ path, text }: RepositoryFile): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  for (const match of text.matchAll(/^```(?:ts|typescript) compile[^\n]*\n([\s\S]*?)^```/gm)) {
    const line = text.slice(0, match.index).split('\n').length + 1;
    blocks.push({ path, line, text: match[1] ?? '' });
  }
  return blocks;
}

/** Compiles code blocks as modules that see the packages of this workspace. Gives the compiler's lines, with the document's own. */
export function findBrokenBlocks(root: string, blocks: readonly CodeBlock[]): string[] {
  if (blocks.length === 0) return [];
  // below the CLI package, because that is the one that sees all the others
  const folder = mkdtempSync(join(root, 'packages/cli/.doc-blocks-'));
  try {
    mkdirSync(folder, { recursive: true });
    for (const [index, block] of blocks.entries())
      writeFileSync(join(folder, `block${index}.ts`), `${block.text}\nexport {};\n`);
    const base = join(root, 'tsconfig.base.json');
    const compilerOptions = { types: ['node'], lib: ['ES2024', 'DOM'], noUnusedLocals: false };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: base, compilerOptions, include: ['*.ts'] }),
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], {
      encoding: 'utf8',
      cwd: root,
    });
    if (status === 0) return [];
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const match = /block(\d+)\.ts\((\d+),\d+\): (.*)$/.exec(line);
        const block = blocks[Number(match?.[1] ?? -1)];
        return match && block ? `${block.path}:${block.line + Number(match[2]) - 1}: ${match[3]}` : line;
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What no tracked file may hold, with the name of the find. Keys that a vector needs live below `vectors/`. */
const LEAKS: readonly [name: string, pattern: RegExp][] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}/],
  ['an OpenAI-like key', /\bsk-(?:proj-|ant-|or-v1-)?[A-Za-z0-9]{20,}/],
  ['an Anthropic-like key', /\bsk-ant-[A-Za-z0-9_-]{20,}/],
  ['a Google-like key', /\bAIza[A-Za-z0-9_-]{35}/],
  ['an AWS-like key id', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['a GitHub-like token', /\bgh[pousr]_[A-Za-z0-9]{30,}/],
  ['a Groq-like key', /\bgsk_[A-Za-z0-9]{40,}/],
  ['a Slack-like token', /\bxox[abprs]-[A-Za-z0-9-]{10,}/],
  [
    'a path of a machine',
    /(?<![\w.~$}/-])\/(?:work|root|home\/[a-z][\w-]*|Users\/[A-Za-z][\w-]*|tmp\/brief)\/[\w.-]/,
  ],
  ['a Windows path of a machine', /\b[A-Z]:\\Users\\[A-Za-z]/],
];

/** Finds lines that look like a secret or name a machine. */
export function findLeaks(files: readonly RepositoryFile[]): string[] {
  const problems: string[] = [];
  for (const { path, text } of files) {
    if (/(^|\/)vectors\//.test(path) || path === 'pnpm-lock.yaml') continue;
    for (const [name, pattern] of LEAKS) {
      const match = pattern.exec(text);
      if (!match) continue;
      const line = text.slice(0, match.index).split('\n').length;
      problems.push(`${path}:${line}: ${name}`);
    }
  }
  return problems;
}

if (import.meta.main) {
  const paths = listRepositoryFiles('.');
  const files = paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  const documents = files.filter(({ path }) => path.endsWith('.md'));
  const blocks = documents.flatMap(listCodeBlocks);
  const problems = [
    ...findDeadLinks(documents, paths),
    ...findBrokenBlocks(process.cwd(), blocks),
    ...findLeaks(files),
  ];
  for (const problem of problems) console.log(problem);
  console.log(
    `${documents.length} documents, ${blocks.length} code blocks compiled, ${files.length} files searched`,
  );
  process.exitCode = problems.length > 0 ? 1 : 0;
}
