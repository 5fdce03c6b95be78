/**
 * Closing without taking the answer back: a socket closed while bytes of the caller lie unread is reset, and a browser then shows
 * "connection error" instead of the refusal (behaviour §6). So what still comes is read and dropped for a while first.
 */
import type { Socket } from 'node:net';

/** Most bytes that are read and dropped. */
export const LINGER_BYTES = 1024 * 1024;
/** Longest time that they are read for, in milliseconds. */
export const LINGER_MS = 1000;

/**
 * Resolves when `isDone`, when the socket closes, or after `maxBytes` or `maxMs`, whichever is first. Never rejects.
 * Counts on the socket, because Node hides what it drops of a body whose answer is out.
 */
export function linger(
  socket: Socket,
  isDone: () => boolean,
  maxBytes: number = LINGER_BYTES,
  maxMs: number = LINGER_MS,
): Promise<void> {
  const before = socket.bytesRead;
  const startedAtMs = performance.now();
  return new Promise((resolve) => {
    const check = () => {
      const spent = performance.now() - startedAtMs >= maxMs || socket.bytesRead - before > maxBytes;
      if (spent || socket.destroyed || isDone()) stop();
    };
    const timer = setInterval(check, 20);
    function stop(): void {
      clearInterval(timer);
      socket.off('close', stop);
      resolve();
    }
    socket.once('close', stop);
    check();
  });
}
