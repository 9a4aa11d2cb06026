import { createClient } from '@anymq/core';
import { receivedMessages } from './prepared-messages.ts';
import type { Setup } from './setup.ts';
import { createStub } from './stub-driver.ts';
import type { Target, TargetKind } from './target.ts';

/** Core's own share: the same client and consumers on a driver that does next to nothing. */
export const stubTarget: TargetKind = { on: 'core', open: openStub };

async function openStub(): Promise<Target> {
  const stub = createStub();
  const client = await createClient(stub.driver);
  return {
    client,
    async fill(_queue, setup, messages) {
      stub.load(preparedOnce(setup, messages));
    },
    drained: () => stub.drained(),
    close: () => client.close(),
  };
}

const prepared = new Map<string, ReturnType<typeof receivedMessages>>();

/** The same deliveries in every round and case: a new client has never seen them, and a larger heap slows all cases. */
function preparedOnce(setup: Setup, messages: number): ReturnType<typeof receivedMessages> {
  const name = `${setup.codec} ${setup.variant === 'ordered'}`;
  const known = prepared.get(name) ?? [];
  const made = known.length < messages ? receivedMessages(setup, messages) : known;
  prepared.set(name, made);
  return made.slice(0, messages);
}
