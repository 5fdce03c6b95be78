import { EventEmitter } from 'node:events';
import type { Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { checkPortSharing } from './port-check.ts';
import { countWorkers, shareOf } from './worker-count.ts';

describe('the number of workers', () => {
  it.each([
    [1, 8, 1],
    [3, 1, 3],
    [0, 8, 8],
    [0, 1, 1],
    [0, 0, 1],
  ])('%i on %i cores comes to %i', (wanted, cores, workers) => {
    expect(countWorkers(wanted, () => cores)).toBe(workers);
  });

  it('asks the machine where it is not told', () => {
    expect(countWorkers(0)).toBeGreaterThan(0);
  });

  it.each([
    [100, 1, 100],
    [100, 3, 33],
    [2, 4, 0],
  ])('%i divided among %i is %i each, and never more in all', (total, workers, share) => {
    expect(shareOf(total, workers)).toBe(share);
    expect(share * workers).toBeLessThanOrEqual(total);
  });
});

describe('a port for several threads', () => {
  const place = { source: 'config.json', path: '$.server.workers' };

  /** A system on which listening ends like this. */
  function systemThat(code: string | null): {
    asked: object[];
    probe: Pick<Server, 'once' | 'listen' | 'close'>;
  } {
    const asked: object[] = [];
    const emitter = new EventEmitter();
    const listen = (options: object, listening: () => void) => {
      asked.push(options);
      queueMicrotask(() =>
        code === null ? listening() : emitter.emit('error', Object.assign(new Error(), { code })),
      );
    };
    const probe = Object.assign(emitter, { listen, close: (closed: () => void) => closed() });
    return { asked, probe: probe as unknown as Pick<Server, 'once' | 'listen' | 'close'> };
  }

  it('is asked for as the listener will, and found where the system has it', async () => {
    const { asked, probe } = systemThat(null);
    expect(await checkPortSharing(place, probe)).toBeNull();
    expect(asked).toEqual([{ host: '127.0.0.1', port: 0, reusePort: true }]);
  });

  it('is a problem with server.workers where the system cannot', async () => {
    expect(await checkPortSharing(place, systemThat('ENOTSUP').probe)).toEqual({
      ...place,
      message: 'asks for several threads on one port, which this system cannot do',
      fix: 'write 1; for more cores start several relays on ports of their own',
    });
  });

  it('is no problem of its own where something else is wrong: the listener will say what', async () => {
    expect(await checkPortSharing(place, systemThat('EMFILE').probe)).toBeNull();
  });

  it('is had on Linux', async (context) => {
    context.skip(process.platform !== 'linux', 'other systems differ');
    expect(await checkPortSharing(place)).toBeNull();
  });
});
