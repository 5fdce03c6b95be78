/** Reads orders, one JSON object a line, and answers each with a line of its own: `{ id, text }`, or `{ id, error }` with what the SDK's own exception says. Many run at the same time. */
import { createInterface } from 'node:readline';

/** What every order has. */
export interface Numbered {
  readonly id: number;
}

/** Follows orders until there are no more. */
export async function followLines<Order extends Numbered>(
  follow: (order: Order) => Promise<string>,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const order: Order = JSON.parse(line);
    void follow(order)
      .then(
        (text) => ({ text }),
        (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
      )
      .then((result) => console.log(JSON.stringify({ id: order.id, ...result })));
  }
}
