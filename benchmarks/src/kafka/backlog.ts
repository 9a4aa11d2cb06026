import type { Admin } from 'kafkajs';

/** Records of the topic that the group has not committed. */
export async function backlogOf(admin: Admin, topic: string, groupId: string): Promise<number> {
  const [ends, [committed]] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic] }),
  ]);
  return ends.reduce((sum, { partition, high, low }) => {
    const offset = Number(committed?.partitions.find((one) => one.partition === partition)?.offset ?? -1);
    return sum + Number(high) - Math.max(offset, Number(low));
  }, 0);
}
