import { type Address, type DeadLetterStore, lost, settled, type SettleResult, type Token } from '@anymq/core/driver';
import { BodyStore } from './body-store.ts';
import type { StoredLetter } from './dead-letter-list.ts';
import type { DriverContext } from './driver-context.ts';
import { decodeLetter, decodeMessage, encodeMessage } from './encoding.ts';
import type { Group } from './group.ts';
import { encodingContext } from './sender.ts';

/** The dead letters of a queue or of one group. @throws NO_SUCH_DESTINATION */
export function createDeadLetterStore(context: DriverContext, of: Address): DeadLetterStore {
  const { broker, connection, namespace } = context;
  const group = broker.group(namespace, of);
  const bodies = new BodyStore();
  const taken = new WeakSet<object>();
  return {
    async count() {
      await connection.use();
      return { value: group.letters.size, exact: true };
    },
    async page(cursor, { limit }) {
      await connection.use();
      const letters = group.letters.page(cursor === undefined ? 0 : Number(cursor), limit);
      const last = letters.at(-1);
      const next = letters.length < limit || last === undefined ? undefined : String(last.number);
      return { letters: letters.map((letter) => decodeLetter(letter, bodies, broker.clock.now())), cursor: next };
    },
    async requeue(refs) {
      await connection.use();
      const results = refs.map((ref) => requeueOne(context, group, ref, taken));
      group.wake(broker.clock.now());
      return results;
    },
    async remove(refs) {
      await connection.use();
      return refs.map((ref) => removeOne(group, ref, taken));
    },
    async close() {},
  };
}

/** As it was sent, at the tail, at attempt 1. An expiry is left out: it would drop the message that somebody just sent back. */
function requeueOne(context: DriverContext, group: Group, ref: Token, taken: WeakSet<object>): SettleResult {
  if (!isLetter(ref)) return lost;
  if (ref.isGone) return removeOne(group, ref, taken);
  const encoding = encodingContext(context);
  const { expiresAt: _expiresAt, ...message } = decodeMessage(ref.message, encoding.bodies, encoding.nowMs);
  const copy = encodeMessage(message, encoding);
  copy.partition = ref.message.partition;
  group.add(copy, { isCopy: true }, encoding.nowMs);
  return removeOne(group, ref, taken);
}

/** Again by the same store: as before. By another one it is lost, for what became of it somebody else has said. */
function removeOne(group: Group, ref: Token, taken: WeakSet<object>): SettleResult {
  if (!isLetter(ref)) return lost;
  if (!ref.isGone) {
    group.letters.remove(ref);
    taken.add(ref);
  }
  return taken.has(ref) ? settled : lost;
}

function isLetter(ref: Token): ref is StoredLetter {
  return typeof ref === 'object' && 'number' in ref && 'message' in ref;
}
