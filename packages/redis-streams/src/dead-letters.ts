import { type Address, type DeadLetterStore, lost, settled, type SettleResult, type Token } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { decodeLetter } from './encoding.ts';
import { keysOf } from './keys.ts';
import { requeue } from './scripts/letters.ts';
import { createPartitioner } from './sender.ts';

/** Of one letter, as it was shown. */
class LetterRef {
  readonly id: string;
  /** Where it goes back to. */
  partition = 0;
  result: SettleResult | undefined = undefined;

  constructor(id: string) {
    this.id = id;
  }
}

type Entry = readonly [id: Buffer, fields: readonly Uint8Array[]];

/** The dead letters of a queue or of one group: a stream of their own. */
export function createDeadLetterStore({ connection, namespace, clock }: DriverContext, of: Address): DeadLetterStore {
  const keys = keysOf(namespace, of);
  const toPartition = createPartitioner(of);
  const targets = keys.retries.length > 0 ? keys.retries : keys.streams;
  return {
    async count() {
      return { value: (await connection.call('xlen', keys.dead)) as number, exact: true };
    },
    async page(cursor, { limit }) {
      const from = cursor === undefined ? '-' : `(${cursor}`;
      const entries = (await connection.callBuffer('xrange', keys.dead, from, '+', 'COUNT', limit)) as readonly Entry[];
      const letters = entries.map(([idBytes, fields]) => {
        const id = idBytes.toString();
        const ref = new LetterRef(id);
        const letter = decodeLetter({ id, fields }, ref, {
          destination: keys.base,
          partition: 0,
          isOrdered: false,
          nowMs: clock.now(),
        });
        ref.partition = toPartition(letter);
        return letter;
      });
      return { letters, cursor: entries.length < limit ? undefined : entries.at(-1)?.[0].toString() };
    },
    async requeue(refs) {
      const open = openRefs(refs);
      if (open.length > 0) {
        const args = open.flatMap(({ id, partition }) => [id, partition + 1]);
        const moved = (await connection.run(requeue, [keys.dead, ...targets], args)) as readonly string[];
        for (const [index, ref] of open.entries()) ref.result = moved[index] === '1' ? settled : lost;
      }
      return refs.map(resultOf);
    },
    async remove(refs) {
      const open = openRefs(refs);
      if (open.length > 0) await connection.call('xdel', keys.dead, ...open.map(({ id }) => id));
      for (const ref of open) ref.result = settled;
      return refs.map(resultOf);
    },
    async close() {},
  };
}

function openRefs(refs: readonly Token[]): readonly LetterRef[] {
  return [...new Set(refs.filter((ref) => ref instanceof LetterRef))].filter(({ result }) => result === undefined);
}

function resultOf(ref: Token): SettleResult {
  return ref instanceof LetterRef ? (ref.result ?? lost) : lost;
}
