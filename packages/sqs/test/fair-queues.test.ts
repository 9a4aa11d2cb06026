import { createSqsDriver } from '@anymq/sqs';
import { expect, test } from 'vitest';
import { messages, opened, signal, standard, wanted } from './support/opened.ts';
import { bringing, entriesOf, rawMessage, type ScriptedClient, scriptedClient } from './support/scripted-client.ts';

// No emulator here takes a message group on a standard queue: SQS Developer Guide, fair queues.

const groupsOf = (client: ScriptedClient): readonly unknown[] =>
  client.of('SendMessageBatch').flatMap(({ input }) => entriesOf(input).map((entry) => entry['MessageGroupId']));

test.each([
  [true, ['customer', undefined]],
  [undefined, [undefined, undefined]],
])('with fairQueues %s the groups of messages with and without a key are %j', async (fairQueues, groups) => {
  const client = scriptedClient();
  const driver = await createSqsDriver({ client, region: 'eu-west-1', fairQueues });
  const sender = await driver.openSender(standard);
  const [keyed, plain] = messages('a', 'b');
  if (keyed === undefined || plain === undefined) throw new Error('two were made');
  await sender.sendBatch([{ ...keyed, key: 'customer' }, plain], { signal });
  expect(groupsOf(client)).toEqual(groups);
  await driver.close();
});

test('a retry stays in its group', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a', { group: 'customer' })]));
  const driver = await createSqsDriver({ client, region: 'eu-west-1', namespace: 'test', fairQueues: true });
  const { receiver } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  const retry = { kind: 'retry', dueAt: Date.now() + 5000, attempt: 2 } as const;
  expect(await receiver.settleBatch([{ token, outcome: retry }])).toEqual([{ ok: true }]);
  expect(groupsOf(client)).toEqual(['customer']);
  await driver.close();
});
