import { setTimeout as wait } from 'node:timers/promises';
import type { Admin } from 'kafkajs';

const tries = 200;

/** Resolves when every partition has a leader: a topic is made a little after the broker has said that it is. */
export async function makeTopic(admin: Admin, topic: string, numPartitions: number): Promise<void> {
  await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: false });
  for (let attempt = 1; !(await isLed(admin, topic)); attempt += 1) {
    if (attempt === tries) throw new Error(`The topic ${topic} has no leader.`);
    await wait(25);
  }
}

async function isLed(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.every(({ leader }) => leader >= 0) ?? false;
  } catch (error) {
    if ((error as { readonly retriable?: boolean }).retriable === true) return false;
    throw error;
  }
}
