import type { Address, Count, Inspection } from '@anymq/core/driver';
import { committedOf, earliest, latest, type Leaders, leadersOf, offsetsOf } from './cluster-calls.ts';
import type { DriverContext } from './driver-context.ts';
import { KafkaDriverError } from './errors.ts';
import { namesOf } from './names.ts';
import { decodeProgress } from './progress.ts';

const unknown: Count = { value: null, exact: false };

/** From offsets: control records and what was aborted count until somebody has read past them, and so does what runs. */
export async function inspect(context: DriverContext, address: Address): Promise<Inspection> {
  const { link, clock, namespace, tiersMs } = context;
  const names = namesOf(namespace, address);
  const waiting = [names.retry, ...tiersMs.map((tierMs) => names.tier(tierMs))];
  const topics = [names.main, ...waiting];
  const leaders = await Promise.all(topics.map((topic) => leadersOf(link, topic, clock)));
  const [main, retry] = leaders;
  if (main === undefined || (retry === undefined && address.kind === 'topic'))
    throw new KafkaDriverError('NOT_FOUND', `${retry === undefined ? names.group : names.main} does not exist.`);
  const there = new Map(topics.flatMap((topic, index) => entryOf(topic, leaders[index])));
  const lags = await lagsOf(context, names.group, there);
  return {
    backlog: { value: lags.get(names.main) ?? 0, exact: false },
    inFlight: unknown,
    delayed: { value: waiting.reduce((sum, topic) => sum + (lags.get(topic) ?? 0), 0), exact: false },
    deadLetters: await countLetters(context, names.dead),
    oldestAgeMs: null,
  };
}

function entryOf(topic: string, leaders: Leaders | undefined): readonly (readonly [string, Leaders])[] {
  return leaders === undefined ? [] : [[topic, leaders]];
}

/** Topic → records that the group is not done with. */
async function lagsOf(
  { link, clock }: DriverContext,
  group: string,
  topics: ReadonlyMap<string, Leaders>,
): Promise<ReadonlyMap<string, number>> {
  const asked = new Map([...topics].map(([topic, leaders]) => [topic, [...leaders.keys()]]));
  const committed = await committedOf(link, group, asked);
  const lags = await Promise.all(
    [...topics].map(async ([topic, leaders]): Promise<[string, number]> => {
      const [first, ends] = await Promise.all([
        offsetsOf(link, topic, leaders, earliest, clock),
        offsetsOf(link, topic, leaders, latest, clock),
      ]);
      let lag = 0;
      for (const [partition, end] of ends) {
        const known = committed.get(topic)?.get(partition);
        const from = Math.max(first.get(partition) ?? 0, known?.offset ?? 0);
        const { done } = decodeProgress(known?.offset ?? 0, known?.note ?? '');
        const settled = done.reduce((sum, [start, stop]) => sum + Math.max(0, Math.min(stop, end) - start), 0);
        lag += Math.max(0, end - from - settled);
      }
      return [topic, lag];
    }),
  );
  return new Map(lags);
}

/** The dead letters have a group of their own, in whose note those are that were taken out. */
export async function countLetters(context: DriverContext, dead: string): Promise<Count> {
  const leaders = await leadersOf(context.link, dead, context.clock);
  if (leaders === undefined) return { value: 0, exact: true };
  const lags = await lagsOf(context, dead, new Map([[dead, leaders]]));
  return { value: lags.get(dead) ?? 0, exact: true };
}
