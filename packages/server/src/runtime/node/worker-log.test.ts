/** Log lines between threads. house: real time, since a thread really waits here. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createLogOutput } from './log-output.ts';
import { createLogBacklog, createLogSender, takeLog } from './worker-log.ts';

const MODULE = new URL('./worker-log.ts', import.meta.url).href;

describe('lines of a worker', () => {
  it('are gathered as the main thread’s own, and counted until they are taken', () => {
    const backlog = createLogBacklog();
    const sent: string[] = [];
    const output = createLogOutput(createLogSender(backlog, (text) => sent.push(text)));
    output.write('one\n');
    output.write('two\n');
    expect(sent).toEqual([]);
    output.flush();
    expect(sent).toEqual(['one\ntwo\n']);
    expect(backlog[0]).toBe(8);
    takeLog(backlog, 'one\ntwo\n');
    expect(backlog[0]).toBe(0);
  });

  it('hold the worker up while too many have not been taken, and let it go on when they are', async () => {
    const backlog = createLogBacklog();
    const source = `
      import { parentPort, workerData } from 'node:worker_threads';
      import { createLogSender } from ${JSON.stringify(MODULE)};
      const sender = createLogSender(workerData, (text) => parentPort.postMessage(text), 10);
      for (const text of ['1234', '56789', 'a', 'b']) sender.write(text);
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      workerData: backlog,
    });
    const seen: string[] = [];
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.on('message', (text: string) => seen.push(text));
    // the third makes ten characters: the worker waits before it sends the fourth
    await expect.poll(() => seen).toEqual(['1234', '56789', 'a']);
    const before = await Promise.race([
      ended.then(() => 'ended'),
      new Promise((r) => setTimeout(r, 250, 'waits')),
    ]);
    expect([before, seen.length]).toEqual(['waits', 3]);
    takeLog(backlog, '1234');
    expect(await ended).toBe(0);
    expect(seen).toEqual(['1234', '56789', 'a', 'b']);
  });
});
