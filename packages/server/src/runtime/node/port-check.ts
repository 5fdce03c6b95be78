/** Asks whether an address can be listened on before anything is started, so that a taken port stands in the list of problems with the rest. */
import { createServer, type Server } from 'node:net';
import type { ConfigProblem } from '../../config/problems.ts';
import { hostPort } from './default-rai.ts';

/** Why listening failed, in words. */
export function explainListenError(
  error: unknown,
  host: string,
  port: number,
): { message: string; fix: string } {
  const { code } = error as NodeJS.ErrnoException;
  const at = hostPort(host, port);
  if (code === 'EADDRINUSE') {
    return { message: `${at} is in use`, fix: 'stop the other program, or choose another port' };
  }
  if (code === 'EACCES') {
    return { message: `${at} may not be used by this user`, fix: 'choose a port from 1024 up' };
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') {
    return { message: `${host} is no address of this machine`, fix: 'choose one that is, such as 127.0.0.1' };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      message: `${host} is a name that cannot be resolved`,
      fix: 'write an address, such as 127.0.0.1',
    };
  }
  return { message: `cannot listen on ${at} (${code ?? 'unknown error'})`, fix: 'choose another address' };
}

/** The problem with an address, or null. */
export function checkPort(
  host: string,
  port: number,
  place: { readonly source: string; readonly path: string },
): Promise<ConfigProblem | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve({ ...place, ...explainListenError(error, host, port) }));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

/** The problem with letting several threads listen on one port, or null where the system can. `probe`: any server that listens nowhere yet. */
export function checkPortSharing(
  place: { readonly source: string; readonly path: string },
  probe: Pick<Server, 'once' | 'listen' | 'close'> = createServer(),
): Promise<ConfigProblem | null> {
  const message = 'asks for several threads on one port, which this system cannot do';
  const fix = 'write 1; for more cores start several relays on ports of their own';
  return new Promise((resolve) => {
    // whatever else keeps it from listening, the relay's own start will say
    probe.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'ENOTSUP' ? { ...place, message, fix } : null),
    );
    probe.listen({ host: '127.0.0.1', port: 0, reusePort: true }, () => probe.close(() => resolve(null)));
  });
}
