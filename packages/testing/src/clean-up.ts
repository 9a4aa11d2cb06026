import { getEventListeners } from 'node:events';
import { AnymqError, type Client, type Count, type Inspection } from '@anymq/core';
import type { CaseContext, Used } from './case-context.ts';
import { differences } from './counts.ts';
import { bounded, eventually } from './eventually.ts';
import type { Member } from './member.ts';
import type { ResourceWatch } from './resource-watch.ts';

const closeWithinMs = 10_000;
const zero: Count = { value: 0, exact: true };
const nothing: Inspection = { backlog: zero, inFlight: zero, delayed: zero, deadLetters: zero, oldestAgeMs: null };

/** Ends a case that has passed: proves that the broker is empty, deletes what the case made, and closes everything. */
export async function proveEmptyAndClose(context: CaseContext): Promise<void> {
  for (const gate of context.gates) gate.open();
  if (context.used.size === 0) {
    await stopConsumers(context);
  } else {
    // A member of its own: those of the case may be closed, or on a driver that was made to fail.
    const { client } = await context.connect();
    // What was handled and not confirmed before a crash or a loss runs again: first let the consumers finish.
    await proveEmpty(context, client);
    await stopConsumers(context);
    await proveEmpty(context, client);
    await removeAll(context, client);
  }
  await closeAll(context);
}

async function stopConsumers(context: CaseContext): Promise<void> {
  const alive = context.members.filter(({ crashed }) => !crashed);
  const stops = alive.flatMap(({ consumers }) => consumers).map((each) => each.stop());
  await bounded('Stopping the consumers', Promise.all(stops), context.within(closeWithinMs));
}

/** Ends a case that has failed. What goes wrong here says nothing new. */
export async function abandon(context: CaseContext): Promise<void> {
  for (const gate of context.gates) gate.open();
  await closeAll(context, context.within(closeWithinMs / 4)).catch(() => undefined);
}

async function proveEmpty(context: CaseContext, client: Client): Promise<void> {
  for (const used of context.used.values()) {
    const { destination, group } = used;
    let problem = '';
    const probe = async (): Promise<true | undefined> => {
      problem = (await problemOf(client, used)) ?? '';
      return problem === '' ? true : undefined;
    };
    const where = group === undefined ? destination.name : `${destination.name}/${group}`;
    await eventually(
      probe,
      context.within(),
      () => `${where} was not left as it should be: ${problem}. ${context.log.summary()}`,
    );
  }
}

/** What never came to be has nothing left in it. */
async function problemOf(client: Client, { destination, group, left }: Used): Promise<string | undefined> {
  try {
    return differences(await client.inspect(destination, group === undefined ? {} : { group }), left);
  } catch (error) {
    if (AnymqError.isInstance(error) && error.code === 'NOT_FOUND' && differences(nothing, left) === undefined)
      return undefined;
    throw error;
  }
}

async function removeAll(context: CaseContext, client: Client): Promise<void> {
  const destinations = new Map([...context.used.values()].map(({ destination }) => [destination.name, destination]));
  await bounded('Removing the destinations', client.remove([...destinations.values()]), context.within());
}

async function closeAll(context: CaseContext, withinMs: number = context.within(closeWithinMs)): Promise<void> {
  const [dead, alive] = [
    context.members.filter(({ crashed }) => crashed),
    context.members.filter(({ crashed }) => !crashed),
  ];
  const closing = [...alive.map(({ client }) => client.close({ deadlineMs: 1000 })), ...dead.map(bury)];
  await bounded('Closing the clients', Promise.all(closing), withinMs);
  await bounded('Closing the drivers', Promise.all(context.drivers.map((driver) => driver.close())), withinMs);
}

/** A dead member's code still runs in this process: its handlers get to their end, and its client is closed. */
async function bury(member: Member): Promise<void> {
  const closed = member.client.close({ deadlineMs: 0 });
  member.buried.open();
  await closed;
}

/** Called outside of what the watch attributes to the case. */
export async function proveNothingHeld(context: CaseContext, watch: ResourceWatch, owner: object): Promise<void> {
  const problems = (): readonly string[] => [
    ...context.members
      .filter(({ clock }) => clock.pending > 0)
      .map(({ name, clock }) => `${clock.pending} timers of the client ${name}`),
    ...watch.held(owner),
    ...context.signals
      .filter((signal) => getEventListeners(signal, 'abort').length > 0)
      .map(() => 'a listener on a signal that was passed in'),
  ];
  const probe = (): Promise<true | undefined> => Promise.resolve(problems().length === 0 ? true : undefined);
  await eventually(
    probe,
    Math.max(1500, context.within(3000)),
    () => `after all was closed there is still: ${problems().join(', ')}.`,
  );
  const [rejection] = watch.rejections(owner);
  if (rejection !== undefined) throw new Error('A promise was rejected and nobody handled it.', { cause: rejection });
}
