/** Runs the command in tests: as a child process from source, or in this process with made-up streams. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/program.ts';
import type { Terminal } from '../../src/terminal.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** A provider's key that is none. */
export const KEY = 'sk-demo-not-a-key';

/** The second at which made-up terminals stand: 2026-11-20 12:00:00 UTC. */
export const NOON = 1_795_176_000;

/** What a run left. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fresh folder. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'relayapi-cli-'));
}

/** Writes a key file, mode 0600 if not told otherwise; returns its path. */
export function writeRai(path: string, content: unknown, mode = 0o600): string {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}

/** A file as plain data. */
export function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

/** Every secret member of key files, as written: what no output may hold. */
export function secretsOf(...paths: readonly string[]): string[] {
  const found: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === 'string' && ['k', 'd', 'aes_key', 'aes_iv_seed'].includes(name)) found.push(inner);
      look(inner);
    }
  };
  for (const path of paths) look(readJson(path));
  return found;
}

/** Runs the command as people do: a process of its own, nothing inherited but where Node keeps what it compiled. */
export function runProcess(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; stdin?: string } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=relayapi-source', MAIN, ...args], {
      cwd: options.cwd,
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        ...options.env,
      },
      stdio: 'pipe',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    // a command that reads no input may be gone already
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin ?? '');
  });
}

/** Runs the command in this process. */
export async function runHere(
  args: readonly string[],
  outside: Partial<Pick<Terminal, 'env' | 'stdinIsTerminal'>> & { stdin?: string | null; now?: number } = {},
): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const code = await run(args, {
    stdout(text) {
      stdout += text;
    },
    stderr(text) {
      stderr += text;
    },
    env: outside.env ?? {},
    stdinIsTerminal: outside.stdinIsTerminal ?? false,
    readStdin: () => Promise.resolve(outside.stdin === undefined ? '' : outside.stdin),
    async *stdinBytes() {
      if (outside.stdin) yield Buffer.from(outside.stdin, 'latin1');
    },
    now: () => outside.now ?? Math.floor(Date.now() / 1000),
  });
  return { code, stdout, stderr };
}
