import { connect } from 'amqplib';

/** The first message of a queue: its headers, the properties that are set, and its body. It stays in the queue. */
export async function storedMessage(url: string, queue: string): Promise<Readonly<Record<string, string>>> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  const message = await channel.get(queue);
  await connection.close();
  if (message === false) return {};
  const { headers, ...properties } = message.properties;
  const given = Object.entries({ ...headers, ...properties }).filter(([, value]) => value !== undefined);
  const texts = given.map(([name, value]) => [name, String(value)]);
  return { ...(Object.fromEntries(texts) as Record<string, string>), body: message.content.toString() };
}
