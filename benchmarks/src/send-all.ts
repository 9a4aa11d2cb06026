import type { Producer } from '@anymq/core';

/** What `sendMany` is given at once: what somebody would hold in an array. */
const perCall = 10_000;

/** Sends all, and rejects when one of them was not confirmed. */
export async function sendAll<Body>(producer: Producer<Body>, bodies: readonly Body[]): Promise<void> {
  for (let start = 0; start < bodies.length; start += perCall) {
    const results = await producer.sendMany(bodies.slice(start, start + perCall));
    const failed = results.find((result) => !result.ok);
    if (failed !== undefined && !failed.ok) throw failed.error;
  }
}
