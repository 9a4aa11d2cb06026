import { expect, test, vi } from 'vitest';
import { defineQueue } from '../../src/index.ts';
import { createSenderStage } from './scripted-sender.ts';

const files = vi.hoisted(() => ({ areMissing: true }));
vi.mock('../../src/produce/extras.ts', async (original) => {
  if (files.areMissing) throw new Error('There is no such file.');
  return original();
});

test('messages whose keys cannot be looked at are not sent, and a later send tries again', async () => {
  const { client, batches } = await createSenderStage();
  const producer = client.producer(defineQueue<string>('keyed', { key: (body) => body }));
  const unsent = expect.objectContaining({ code: 'UNKNOWN', outcome: 'not-sent', retryable: true }) as Error;
  await expect(producer.send('a')).rejects.toEqual(unsent);
  expect(await producer.sendMany(['b', 'c'])).toEqual([
    { ok: false, error: unsent },
    { ok: false, error: unsent },
  ]);
  expect(batches).toEqual([]);
  files.areMissing = false;
  const sent = producer.send('d', { id: 'd' });
  await vi.waitFor(() => expect(batches).toHaveLength(1));
  batches[0]?.confirm();
  expect(await sent).toEqual({ id: 'd' });
  await client.close();
});
