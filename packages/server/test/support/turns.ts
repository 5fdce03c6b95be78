/** Turns of the event loop: where both ends of a connection live on it, they are what passes between sending and hearing, not time. */

/** Enough for whatever was sent on a loopback socket to have been read, handled and passed on, on the slowest way there is here. */
const MANY_TURNS = 60;

/** Lets the loop go round. */
export async function turns(count: number = MANY_TURNS): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
