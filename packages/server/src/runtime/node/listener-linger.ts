/**
 * Closing without taking the answer back: a socket closed while bytes of the caller lie unread is reset, and a browser then shows
 * "connection error" instead of the refusal (behaviour §6). So what still comes is read and dropped for a while first.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

const MAX_BYTES = 1024 * 1024;
const MAX_MS = 1000;
/** How often the limits are looked at, in milliseconds. */
const LOOK_MS = 20;

/** One wait on a socket. */
interface Wait {
  isOver(): boolean;
  finish(): void;
}

/** All waits on a socket share one timer and one listener: refusals may follow each other faster than the limits are looked at. */
const waitsOn = new WeakMap<Socket, Set<Wait>>();

function watch(socket: Socket, wait: Wait): void {
  const known = waitsOn.get(socket);
  if (known !== undefined) {
    known.add(wait);
    return;
  }
  const waits = new Set([wait]);
  waitsOn.set(socket, waits);
  const look = () => {
    for (const each of waits) if (each.isOver()) each.finish();
    if (waits.size > 0) return;
    waitsOn.delete(socket);
    clearInterval(timer);
    socket.off('close', look);
  };
  const timer = setInterval(look, LOOK_MS);
  socket.on('close', look);
}

/**
 * Resolves when `message` has come whole or broke off (null: there is none), when the socket closes, or after `maxBytes` (default 1 MiB)
 * or `maxMs` (default 1 s), whichever is first. Never rejects. The caller lets the message flow.
 */
export function linger(
  socket: Socket,
  message: IncomingMessage | null,
  maxBytes: number = MAX_BYTES,
  maxMs: number = MAX_MS,
): Promise<void> {
  // Counted on the socket, because Node hides what it drops of a body whose answer is out.
  const lastByte = socket.bytesRead + maxBytes;
  const untilMs = performance.now() + maxMs;
  const isOver = () =>
    socket.destroyed ||
    message?.complete === true ||
    socket.bytesRead > lastByte ||
    performance.now() >= untilMs;
  if (isOver()) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      message?.off('end', finish).off('close', finish);
      waitsOn.get(socket)?.delete(wait);
      resolve();
    };
    const wait: Wait = { isOver, finish };
    message?.on('end', finish).on('close', finish);
    watch(socket, wait);
  });
}
