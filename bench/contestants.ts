// Other gateways: installed from their registries when a run needs them, each started with its documented fastest setting.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Candidate } from './bench.ts';
import { freePort } from './processes.ts';

const PORTKEY = { name: '@portkey-ai/gateway', version: '1.15.2' };
const LITELLM = { name: 'litellm', version: '1.108.7' };
const CADDY = { name: 'github.com/caddyserver/caddy/v2/cmd/caddy', version: 'v2.11.9' };
const PATHS = ['/v1/chat/completions'];
const KEY = 'Bearer sk-demo-not-a-key';
const INSTALL_MS = 9 * 60_000;

/** Versions of the contestants, as the page names them. */
export const CONTESTANT_VERSIONS: Readonly<Record<string, string>> = {
  portkey: `${PORTKEY.name} ${PORTKEY.version}`,
  litellm: `${LITELLM.name} ${LITELLM.version}`,
  caddy: `caddy ${CADDY.version}, built from its Go module`,
};

function run(command: string, args: readonly string[], env: Record<string, string> = {}): void {
  const setting = { ...process.env, ...env };
  execFileSync(command, args, { stdio: 'pipe', timeout: INSTALL_MS, env: setting });
}

// Tries a contestant; what keeps it from taking part becomes a note.
async function attempt(
  bench: Bench,
  name: string,
  begin: () => Promise<Candidate>,
): Promise<Candidate | null> {
  try {
    return await begin();
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).replaceAll(/\s+/g, ' ');
    bench.note(`${name} did not take part: ${reason.slice(0, 300)}`);
    return null;
  }
}

/** Portkey 1.15 answers each stream with 500: it changes the headers of an answer that may not be changed. One line puts that right. */
const PORTKEY_FAULT = 'updateHeaders(e,t,a){return e.headers.append(';
const PORTKEY_FIX =
  'updateHeaders(e,t,a){try{e.headers.delete("content-length")}catch{e=new Response(e.body,e)}return e.headers.append(';

/** Portkey's gateway; `streams` starts a copy with the one line that lets it stream. Null when it cannot take part. */
export function startPortkey(bench: Bench, options: { streams: boolean }): Promise<Candidate | null> {
  return attempt(bench, 'portkey', async () => {
    const folder = join(bench.contestants, 'portkey');
    const main = join(folder, 'node_modules', PORTKEY.name, 'build/start-server.js');
    const install = ['i', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
    if (!existsSync(main)) run('npm', [...install, `${PORTKEY.name}@${PORTKEY.version}`]);
    const patched = join(folder, 'node_modules', PORTKEY.name, 'build/start-server.patched.js');
    if (options.streams) {
      const text = readFileSync(main, 'utf8');
      if (!text.includes(PORTKEY_FAULT))
        throw new Error('the line that keeps it from streaming is not there');
      writeFileSync(patched, text.replace(PORTKEY_FAULT, PORTKEY_FIX));
    }
    const port = await freePort();
    const command = [process.execPath, options.streams ? patched : main, '--headless', `--port=${port}`];
    const env = { NODE_ENV: 'production' };
    const running = await bench.start({ name: 'portkey', command, core: 0, port, env });
    const headers = {
      authorization: KEY,
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `http://127.0.0.1:${bench.upstreamPort}/v1`,
    };
    return { name: 'portkey', port, paths: PATHS, headers, process: running, guest: true };
  });
}

/** LiteLLM's proxy: one worker, production mode, no database, no key of its own, errors logged only. Null when it cannot take part. */
export function startLitellm(bench: Bench): Promise<Candidate | null> {
  return attempt(bench, 'litellm', async () => {
    const venv = join(bench.contestants, 'litellm');
    const main = join(venv, 'bin/litellm');
    if (!existsSync(main)) {
      run('python3', ['-m', 'venv', venv]);
      run(join(venv, 'bin/pip'), ['install', '-q', `${LITELLM.name}[proxy]==${LITELLM.version}`]);
    }
    const file = join(bench.folder, 'litellm.yaml');
    writeFileSync(
      file,
      `model_list:
  - model_name: "*"
    litellm_params: { model: "openai/*", api_base: "http://127.0.0.1:${bench.upstreamPort}/v1", api_key: sk-demo-not-a-key }
litellm_settings: { set_verbose: false }
`,
    );
    const port = await freePort();
    const running = await bench.start({
      name: 'litellm',
      command: [main, '--config', file, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'],
      core: 0,
      port,
      env: {
        LITELLM_LOG: 'ERROR',
        LITELLM_MODE: 'PRODUCTION',
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
      },
      patienceSeconds: 90,
    });
    return {
      name: 'litellm',
      port,
      paths: PATHS,
      headers: { authorization: KEY },
      process: running,
      guest: true,
    };
  });
}

/**
 * Go's side: Caddy's reverse proxy, as no Go gateway for AI calls can be built from the module proxy (bifrost's module needs a web
 * front end that is not in it). It looks at no body and no token, so it stands where such a gateway could at best stand. Null when
 * it cannot take part.
 */
export function startCaddy(bench: Bench): Promise<Candidate | null> {
  return attempt(bench, 'caddy', async () => {
    const folder = join(bench.contestants, 'go');
    const main = join(folder, 'caddy');
    if (!existsSync(main)) run('go', ['install', `${CADDY.name}@${CADDY.version}`], { GOBIN: folder });
    const port = await freePort();
    const file = join(bench.folder, 'caddy.json');
    const upstream = {
      handler: 'reverse_proxy',
      flush_interval: -1,
      upstreams: [{ dial: `127.0.0.1:${bench.upstreamPort}` }],
      transport: { protocol: 'http', keep_alive: { max_idle_conns_per_host: 256 } },
    };
    const server = {
      listen: [`127.0.0.1:${port}`],
      routes: [{ handle: [upstream] }],
      automatic_https: { disable: true },
    };
    writeFileSync(
      file,
      JSON.stringify({
        admin: { disabled: true },
        logging: { logs: { default: { level: 'ERROR' } } },
        apps: { http: { servers: { one: server } } },
      }),
    );
    // one core means one running thread
    const env = { GOMAXPROCS: '1' };
    const command = [main, 'run', '--config', file];
    const running = await bench.start({ name: 'caddy', command, core: 0, port, env });
    return { name: 'caddy', port, paths: PATHS, headers: {}, process: running, guest: true };
  });
}
