/** The command-line agents, run headless with the very blocks of docs/guides/agents.md, in a home folder of their own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from '../../../src/errors.ts';
import type { Case } from './cases.ts';
import type { Place } from './relays.ts';
import type { Oddity } from './rows.ts';

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const GUIDE = readFileSync(join(ROOT, 'docs/guides/agents.md'), 'utf8');
const FOLDER = join(ROOT, '.tools/agents');
const COMMANDS = join(FOLDER, 'node_modules/.bin');
/** An agent that does not end by then hangs; one takes a few seconds on a quiet machine. */
const PATIENCE_MS = 150_000;

/** One agent. */
export interface Agent {
  /** Its heading in the guide. */
  readonly name: string;
  readonly package: string;
  readonly provider: string;
  /** The file that the guide's block of this language goes into, below the home folder. */
  readonly settings?: { readonly language: 'toml' | 'json'; readonly file: string };
  /** No telemetry, no updates. */
  readonly quiet: Readonly<Record<string, string>>;
  /** The agent's own setting for giving up at once: a variable, or what its settings file has more. A call that fails is told in the same words. */
  readonly givingUp: {
    readonly env?: Readonly<Record<string, string>>;
    readonly settings?: (text: string) => string;
  };
  /** Errors whose words it hides, and what it shows instead. */
  readonly odd: Readonly<Partial<Record<ErrorCode, Oddity>>>;
}

/** The three. */
export const AGENTS: readonly Agent[] = [
  {
    name: 'Claude Code',
    package: '@anthropic-ai/claude-code',
    provider: 'anthropic',
    quiet: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' },
    givingUp: { env: { CLAUDE_CODE_MAX_RETRIES: '0' } },
    odd: {
      request_too_large: {
        shows: 'Request too large (max 32MB)',
        why: 'it has words of its own for each 413',
      },
    },
  },
  {
    name: 'Codex',
    package: '@openai/codex',
    provider: 'openai',
    settings: { language: 'toml', file: '.codex/config.toml' },
    quiet: {},
    givingUp: {
      // the file's last table is the provider's
      settings: (text) => `${text}request_max_retries = 0\nstream_max_retries = 0\n`,
    },
    odd: {
      rate_limited: {
        shows: 'exceeded retry limit, last status: 429 Too Many Requests',
        why: 'it has words of its own for each 429',
      },
    },
  },
  {
    name: 'Gemini CLI',
    package: '@google/gemini-cli',
    provider: 'google',
    settings: { language: 'json', file: '.gemini/settings.json' },
    quiet: { GEMINI_TELEMETRY_ENABLED: 'false' },
    givingUp: {
      settings: (text) => JSON.stringify({ ...JSON.parse(text), general: { maxAttempts: 1 } }),
    },
    odd: {},
  },
];

/** Whether clients/install.sh has brought them. */
export function hasAgents(): boolean {
  return ['claude', 'codex', 'gemini'].every((command) => existsSync(join(COMMANDS, command)));
}

/** What one run printed, how it ended, and which other hosts it wanted. */
export interface AgentRun {
  readonly output: string;
  readonly exitCode: number | null;
  readonly otherHosts: readonly string[];
}

/** The code block of a language under an agent's heading of the guide. */
function block(agent: Agent, place: Place, language: string): string {
  const mode = place === 'header' ? 'Header mode' : 'Path mode';
  const chapter = GUIDE.split(/^## /m).find((text) => text.startsWith(mode)) ?? '';
  const section = chapter.split(/^### /m).find((text) => text.startsWith(agent.name)) ?? '';
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(section)?.[1];
  if (found === undefined) throw new Error(`the guide has no ${language} block for ${agent.name} in ${mode}`);
  return found;
}

/** Where an agent is sent. */
export interface AgentDoor {
  readonly place: Place;
  readonly origin: string;
  readonly token: string;
  /** What goes wrong there; absent: nothing does. */
  readonly given?: Case;
}

/** Runs an agent as the guide says; where something goes wrong, it is told to give up at once. */
export async function runAgent(agent: Agent, { place, origin, token, given }: AgentDoor): Promise<AgentRun> {
  const home = mkdtempSync(join(tmpdir(), 'relayapi-agent-'));
  const outside = await startOutside();
  const url = `${origin}/relayapi/${token}`;
  // What the guide writes for a reader stands for this relay and this token.
  const here = (text: string) =>
    text
      .replaceAll('https://relay.example.com/relayapi/TOKEN', url)
      .replaceAll('https://relay.example.com', origin);
  try {
    if (agent.settings) {
      const file = join(home, agent.settings.file);
      mkdirSync(dirname(file), { recursive: true });
      const text = here(block(agent, place, agent.settings.language));
      writeFileSync(file, (given && agent.givingUp.settings?.(text)) ?? text);
    }
    const work = join(home, 'work');
    mkdirSync(work);
    const proxy = `http://127.0.0.1:${outside.port}`;
    const env = {
      PATH: `${dirname(process.execPath)}:${COMMANDS}:/usr/bin:/bin`,
      HOME: home,
      TMPDIR: home,
      RELAY_TOKEN: token,
      RELAY_URL: url,
      HTTPS_PROXY: proxy,
      HTTP_PROXY: proxy,
      NO_PROXY: '127.0.0.1',
      ...agent.quiet,
      ...(given && agent.givingUp.env),
    };
    if (given?.first) await fetch(`${url}/v1/models`);
    const ended = await runShell(here(block(agent, place, 'sh')), work, env);
    return { ...ended, otherHosts: outside.hosts };
  } finally {
    outside.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What stands near `words` in the line that has them; what differs from run to run is named. */
export function lineWith(output: string, words: string): string {
  const line = (output.split('\n').find((text) => text.includes(words)) ?? words)
    .replaceAll(/127\.0\.0\.1:\d+/g, 'relay.example.com')
    .replace(/^.*\.json (?=_ApiError)/, '… ');
  const to = line.indexOf(words) + words.length + 60;
  return `${line.slice(0, to).trim()}${to < line.length ? '…' : ''}`;
}

function runShell(
  script: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Omit<AgentRun, 'otherHosts'>> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-eu', '-c', script], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), PATIENCE_MS);
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ output, exitCode });
    });
  });
}

/** The rest of the world as a proxy that writes down which host is wanted and lets nothing through. */
async function startOutside(): Promise<{ port: number; hosts: readonly string[]; close(): void }> {
  const hosts: string[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.url ?? '');
    response.writeHead(403).end();
  });
  server.on('connect', (request, socket) => {
    hosts.push(request.url ?? '');
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    hosts,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
