// Large bodies: 100 KB requests, and memory while 200 MB pass up and down.

import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type Bench, closedRound, interleave, warmUp } from '../bench.ts';
import { direct, startNginx, startPipe, startRelay } from '../candidates.ts';
import { peakDuring, residentMb } from '../processes.ts';
import { chatBody, SDK_HEADERS, type Target } from '../requests.ts';

const CONNECTIONS = 32;
const BODY_BYTES = 100_000;
const PIECE = Buffer.alloc(65_536, 32);

function open(target: Target, path: string, length: number, agent: Agent) {
  const headers = { ...SDK_HEADERS, ...target.headers, 'content-length': length };
  return request({ host: '127.0.0.1', port: target.port, path, method: 'POST', headers, agent });
}

async function readAll(answer: AsyncIterable<Buffer> & { statusCode?: number | undefined }): Promise<number> {
  let bytes = 0;
  for await (const piece of answer) bytes += piece.length;
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
  return bytes;
}

async function upload(target: Target, bytes: number): Promise<void> {
  const agent = new Agent();
  const outgoing = open(target, target.paths[0] ?? '/', bytes, agent);
  const answered = once(outgoing, 'response');
  let left = bytes;
  while (left > 0) {
    const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
    left -= piece.length;
    if (!outgoing.write(piece)) await Promise.race([once(outgoing, 'drain'), answered]);
  }
  outgoing.end();
  const [answer] = await answered;
  await readAll(answer);
  agent.destroy();
}

async function download(target: Target, bytes: number): Promise<void> {
  const agent = new Agent();
  const body = chatBody({ model: `bench-down:${bytes}` });
  const outgoing = open(target, target.paths[0] ?? '/', Buffer.byteLength(body), agent);
  const answered = once(outgoing, 'response');
  outgoing.end(body);
  const [answer] = await answered;
  const got = await readAll(answer);
  if (got !== bytes) throw new Error(`${got} of ${bytes} bytes arrived`);
  agent.destroy();
}

/** Runs the suite `bodies`. */
export async function measureBodies(bench: Bench): Promise<void> {
  const config = { server: { max_body_bytes: 512 * 1024 * 1024 } };
  const pipe = await startPipe(bench);
  const relay = await startRelay(bench, { name: 'relay', tokens: 20, config });
  const nginx = await startNginx(bench);
  const candidates = [direct(bench), ...(nginx ? [nginx] : []), pipe, relay];
  const options = { connections: CONNECTIONS, bodyBytes: BODY_BYTES };
  await warmUp(bench, candidates, { ...options, requests: 10_000, seconds: 6 });
  await interleave(bench, candidates, async (candidate, round) => {
    const row = await closedRound(bench, candidate, { ...options, seconds: bench.seconds });
    bench.record('bodies-100k', candidate.name, round, row);
  });
  await bench.stop(relay.process);
  if (pipe.process) await bench.stop(pipe.process);

  const bytes = (bench.quick ? 20 : 200) * 1_000_000;
  const passages = { upload, download };
  for (let round = 1; round <= Math.min(bench.rounds, 3); round += 1) {
    for (const [way, pass] of Object.entries(passages)) {
      // a fresh relay: cold is the first passage, warm the third
      const fresh = await startRelay(bench, { name: `relay-${way}-${round}`, tokens: 1, config });
      for (const state of ['cold', 'second', 'warm']) {
        const before = residentMb(fresh.process);
        const peakMb = await peakDuring(fresh.process, () => pass(fresh, bytes));
        if (state !== 'second') {
          const row = { growthMb: peakMb - before, beforeMb: before, peakMb };
          bench.record(`${way}-200m`, state, round, row);
        }
      }
      await bench.stop(fresh.process);
    }
  }
}
