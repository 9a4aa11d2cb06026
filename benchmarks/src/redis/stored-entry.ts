import { Redis } from 'ioredis';

/** The first entry of a stream. */
export async function storedEntry(url: string, stream: string): Promise<Readonly<Record<string, string>>> {
  const redis = new Redis(url);
  const [entry] = await redis.xrange(stream, '-', '+', 'COUNT', 1);
  redis.disconnect();
  const fields = entry?.[1] ?? [];
  return Object.fromEntries(
    fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? '']] : [])),
  );
}
