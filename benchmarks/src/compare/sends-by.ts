import type { Order } from '../payload.ts';
import type { Send, Session } from './contender.ts';

/** The ways of sending, by what sends one and what sends many: all at once, where the client has nothing better for many. */
export function sendsBy(send: (body: Order) => Promise<unknown>, sendMany?: Send): Required<Session['sends']> {
  const sendAtOnce: Send = async (bodies) => {
    await Promise.all(bodies.map(send));
  };
  return {
    sendMany: sendMany ?? sendAtOnce,
    async 'send-awaited'(bodies) {
      for (const body of bodies) await send(body);
    },
    'send-at-once': sendAtOnce,
  };
}
