/**
 * Has the buffers collected in which bodies were read from sockets. Node reads into 64 KiB outside V8's heap, so V8 sees a few objects
 * where tens of MiB lie, and lets about 64 MiB of them wait. Not a limit on what is in flight: back-pressure is (docs/decisions/0023).
 */
import { collectYoung } from './collector.ts';

/** Bytes read between two collections: as much garbage as may lie, at a cost that small calls do not notice. */
const BYTES_PER_COLLECTION = 8 * 1024 * 1024;
/** The same where more than `FEW_CALLS` are under way: a collection moves all that these hold. */
const BYTES_AMONG_MANY = 16 * 1024 * 1024;
const FEW_CALLS = 2;

let readBytes = 0;
let calls = 0;

/** A call is under way. */
export function enterCall(): void {
  calls += 1;
}

/** A call has ended. */
export function leaveCall(): void {
  calls -= 1;
}

/** Counts what was read of a body, in bytes, from either side. */
export function countRead(bytes: number): void {
  readBytes += bytes;
  if (readBytes < BYTES_PER_COLLECTION) return;
  if (calls > FEW_CALLS && readBytes < BYTES_AMONG_MANY) return;
  readBytes = 0;
  collectYoung();
}
