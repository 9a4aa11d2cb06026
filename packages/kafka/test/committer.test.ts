import { type Clock, silentLogger, systemClock } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import type { Broker, CommittedOffset } from '../src/protocol.ts';
import { Committer } from '../src/committer.ts';
import { decodeProgress, noProgress } from '../src/progress.ts';
import { linkTo, logOf, metadataOf, refusal } from './support/fakes.ts';

/** Every pause ends at once. */
function clockNoting(pauses: number[]): Clock {
  return {
    ...systemClock,
    setTimeout(callback, ms) {
      pauses.push(ms);
      return systemClock.setTimeout(callback, 0);
    },
  };
}

function committerOn(
  broker: Partial<Broker>,
  onMissing: (topics: readonly string[]) => void = () => undefined,
  pauses: number[] = [],
): Committer {
  const membership = { identity: { memberId: 'me', generation: 1 }, evict: () => undefined };
  return new Committer({
    link: linkTo(broker),
    clock: clockNoting(pauses),
    logger: silentLogger,
    groupId: 'g',
    membership,
    onMissing,
  });
}

/** A broker that takes notes of so many bytes. */
function takingNotesOf(maxBytes: number, taken: CommittedOffset[], asked: string[] = []): Partial<Broker> {
  return {
    async offsetCommit({ topics }) {
      const [offset] = topics[0]?.partitions ?? [];
      if (offset === undefined || asked.push(offset.metadata ?? '') > 1000) throw refusal('TEST_WITHOUT_END_FAILED');
      if ((offset.metadata ?? '').length > maxBytes) throw refusal('OFFSET_METADATA_TOO_LARGE');
      taken.push(offset);
    },
  };
}

test('of a commit that names a deleted topic that one is missing, and the others are committed', async () => {
  const logs = ['main', 'retry', 'retry-1s'].map((topic) => logOf({ topic }));
  const committed: string[][] = [];
  const missing: string[] = [];
  const unknown = refusal('UNKNOWN_TOPIC_OR_PARTITION');
  const committer = committerOn(
    {
      async metadata([topic = '']) {
        if (topic === 'retry') throw unknown;
        return metadataOf(topic);
      },
      async offsetCommit({ topics }) {
        if (topics.some(({ topic }) => topic === 'retry')) throw unknown;
        committed.push(topics.map(({ topic }) => topic));
      },
    },
    (topics) => {
      missing.push(...topics);
      for (const log of logs) if (topics.includes(log.topic)) log.isLost = true;
    },
  );
  await committer.commit(logs);
  expect([missing, committed]).toEqual([['retry'], [['main', 'retry-1s']]]);
});

test('a topic that was made again with fewer partitions is another one', async () => {
  const log = logOf({ partition: 3 });
  const missing: string[] = [];
  const committer = committerOn(
    {
      metadata: async ([topic = '']) => metadataOf(topic),
      offsetCommit: () => Promise.reject(refusal('UNKNOWN_TOPIC_OR_PARTITION')),
    },
    (topics) => {
      missing.push(...topics);
      log.isLost = true;
    },
  );
  await committer.commit([log]);
  expect(missing).toEqual(['t']);
});

test('where the broker has little room, the note says who handed out messages, and as many marks as fit', async () => {
  const started = new Map(Array.from({ length: 64 }, (_, n) => [n + 100, 1]));
  const taken: CommittedOffset[] = [];
  const log = logOf({ progress: { ...noProgress, started }, ownerId: '0123456789abc' });
  log.reservedTo = 1000;
  await committerOn(takingNotesOf(200, taken)).commit([log]);
  const { owner, started: marks } = decodeProgress(0, taken[0]?.metadata ?? '');
  expect(owner).toEqual({ id: '0123456789abc', upTo: 1000 });
  expect(marks.size).toBeGreaterThan(2);
  expect([...marks]).toEqual([...started].slice(0, marks.size));
});

test('a broker that has no room for a note is not asked without end: whoever commits is told', async () => {
  const asked: string[] = [];
  const pauses: number[] = [];
  const committer = committerOn(takingNotesOf(10, [], asked), undefined, pauses);
  await expect(committer.commit([logOf()])).rejects.toMatchObject({ type: 'OFFSET_METADATA_TOO_LARGE' });
  expect(asked.length).toBeLessThan(10);
  expect(pauses.length).toBe(asked.length);
});
