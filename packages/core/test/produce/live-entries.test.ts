import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { OutgoingMessage } from '../../src/message.ts';
import { LiveEntries } from '../../src/produce/live-entries.ts';
import { SendEntry, type SendCall } from '../../src/produce/send-entry.ts';
import { ScriptedClock } from '../consume/scripted-clock.ts';

const call: SendCall = { onSent: () => undefined, onFailed: () => undefined };

function entry(): SendEntry {
  return new SendEntry({ body: new Uint8Array(8), headers: {} } as OutgoingMessage, call, 0, 30_000);
}

test('a message that waits for long does not keep in memory what was sent after it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const clock = new ScriptedClock();
  const live = new LiveEntries(clock, () => undefined);
  live.add(entry());
  const sent = Array.from({ length: 20_000 }, () => {
    const one = entry();
    live.add(one);
    one.done = true;
    live.sweep();
    return new WeakRef(one);
  });
  // Weak references keep what they were made for until the turn ends.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(sent.filter((one) => one.deref() !== undefined).length).toBeLessThan(3000);
  expect(live.left()).toHaveLength(1);
});
