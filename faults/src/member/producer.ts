// A process that sends its lanes, one message of a lane after the other, and notes each that was confirmed.
import { setTimeout as delay } from 'node:timers/promises';
import { AnymqError, connect } from '@anymq/core';
import type { Producer } from '@anymq/core';
import { placeOf } from '../drivers.ts';
import { note, readLedger } from '../ledger.ts';
import { fateOf, idOf, isOrdered, ordered, orderedLanes, plain, plainLanes, secretMark } from '../work.ts';
import type { Work } from '../work.ts';
import { shown, talkative } from './log.ts';
import { measure } from './measure.ts';
import { readOptions, report, tell } from './orders.ts';
import type { Order } from './orders.ts';

const options = readOptions();
const lanes = [...orderedLanes, ...plainLanes].filter((_, lane) => lane % options.parts === options.part);
const inLane = options.messages / (orderedLanes.length + plainLanes.length);
const pauseMs = options.rate === 0 ? 0 : (1000 * (orderedLanes.length + plainLanes.length)) / options.rate;

let isEnough = false;
/** Lanes that wait for their next send: timers of this program's own. */
let pausing = 0;

process.on('message', (order: Order) => {
  if (order.do === 'enough') isEnough = true;
  if (order.do === 'measure') void measure(() => pausing).then((holdings) => tell({ is: 'measured', holdings }));
});
process.on('disconnect', () => process.exit());

const mq = await connect({ brokers: { main: placeOf(options.url) }, namespace: options.namespace }, talkative);
const producers = {
  ordered: mq.producer(ordered, { timeoutMs: 5000 }),
  plain: mq.producer(plain, { timeoutMs: 5000 }),
};
const next = nextOfEach();
report('ready');
await Promise.all(lanes.map((key) => sendLane(key, isOrdered(key) ? producers.ordered : producers.plain)));
report('done');
await mq.close();
process.disconnect();

/** Where a process that was killed has left off: what it sent last may be there, and is sent again with the same id. */
function nextOfEach(): ReadonlyMap<string, number> {
  const sequences = readLedger(options.ledger).filter(({ what }) => what === 'confirmed');
  return new Map(sequences.map(({ key, sequence }) => [key, sequence + 1]));
}

async function sendLane(key: string, producer: Producer<Work>): Promise<void> {
  for (let sequence = next.get(key) ?? 0; sequence < inLane && !isEnough; sequence++) {
    const started = performance.now();
    await sendUntilConfirmed(key, sequence, producer);
    const rest = pauseMs - (performance.now() - started);
    if (rest > 0) await pause(rest);
  }
}

async function pause(ms: number): Promise<void> {
  pausing += 1;
  await delay(ms);
  pausing -= 1;
}

/** As an application does it that cannot do without: again with the same id, whatever the reason. */
async function sendUntilConfirmed(key: string, sequence: number, producer: Producer<Work>): Promise<void> {
  const id = idOf({ key, sequence });
  const body = { key, sequence, fate: fateOf(id), secret: `${secretMark} ${id}` };
  for (;;) {
    const sentAt = Date.now();
    try {
      await producer.send(body, { id });
      note(options.ledger, { what: 'confirmed', id, key, sequence, sentAt, at: Date.now() });
      return;
    } catch (error) {
      if (!(error instanceof AnymqError)) throw error;
      process.stderr.write(`send ${id}: ${shown(error)}\n`);
      await delay(100);
    }
  }
}
