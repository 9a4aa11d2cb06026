import { connect } from 'amqplib';

/** Messages of the queue that nobody has taken; with 'delete' it is gone afterwards. */
export async function inspectQueue(url: string, queue: string, what: 'count' | 'delete'): Promise<number> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  const { messageCount } = await (what === 'count' ? channel.checkQueue(queue) : channel.deleteQueue(queue));
  await connection.close();
  return messageCount;
}
