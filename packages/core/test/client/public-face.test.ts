import { memory } from '@anymq/memory';
import { expect, test } from 'vitest';
import * as driverFace from '../../src/driver.ts';
import * as core from '../../src/index.ts';
import type {
  AnymqError,
  BatchConsumeHandler,
  BatchConsumerOptions,
  BatchHandler,
  Capabilities,
  Claim,
  Client,
  ClientEvent,
  ClientOptions,
  Clock,
  Codec,
  Config,
  ConsumeHandler,
  Consumer,
  ConsumerDefinition,
  ConsumerOptions,
  ConsumerState,
  Count,
  DeadLetter,
  DeadLetterQueue,
  DefinitionOptions,
  Delivery,
  Destination,
  Driver,
  DriverModule,
  ErrorCode,
  Handler,
  HeaderFilter,
  Health,
  IdempotencyStore,
  Inspection,
  Logger,
  Message,
  Middleware,
  Outcome,
  OutgoingMessage,
  Producer,
  Queue,
  Receipt,
  RedriveResult,
  SendHandler,
  SendOptions,
  SendResult,
  Topic,
  TopicOptions,
} from '../../src/index.ts';
import type {
  Address,
  Classification,
  DeadLetterStore,
  DriverTransaction,
  FailureRecord,
  Limits,
  Plan,
  ProvisionMode,
  ProvisionResult,
  Received,
  Receiver,
  ReceiverOptions,
  SeekTarget,
  Sender,
  SendOutcome,
  SettleOutcome,
  SettleResult,
  Token,
} from '../../src/driver.ts';

/** Every type name that tests outside the project rely on: it compiles, or a name is gone. */
export type PublicTypes = [
  [
    AnymqError,
    BatchConsumeHandler,
    BatchConsumerOptions,
    BatchHandler<unknown>,
    Capabilities,
    Claim,
    Client,
    ClientEvent,
  ],
  [
    ClientOptions,
    Clock,
    Codec<unknown>,
    Config,
    ConsumeHandler,
    Consumer,
    ConsumerDefinition,
    ConsumerOptions,
    ConsumerState,
  ],
  [
    Count,
    DeadLetter,
    DeadLetterQueue,
    DefinitionOptions<unknown, unknown>,
    Delivery,
    Destination,
    Driver,
    DriverModule,
    ErrorCode,
  ],
  [
    Handler<unknown>,
    HeaderFilter,
    Health,
    IdempotencyStore,
    Inspection,
    Logger,
    Message,
    Middleware<unknown>,
    Outcome,
    OutgoingMessage,
  ],
  [
    Producer<unknown>,
    Queue,
    Receipt,
    RedriveResult,
    SendHandler,
    SendOptions,
    SendResult,
    Topic,
    TopicOptions<unknown, unknown, string>,
  ],
  [
    Address,
    Classification,
    DeadLetterStore,
    DriverTransaction,
    FailureRecord,
    Limits,
    Plan,
    ProvisionMode,
    ProvisionResult,
    Received,
  ],
  [Receiver, ReceiverOptions, SeekTarget, Sender, SendOutcome, SettleOutcome, SettleResult, Token],
];

test('the values that users and adapters rely on are there', () => {
  expect(Object.keys(core).toSorted()).toEqual(
    [
      'AnymqError',
      'bytes',
      'connect',
      'createClient',
      'createMemoryStore',
      'defineConsumer',
      'defineQueue',
      'defineTopic',
      'exponential',
      'explain',
      'idempotent',
      'json',
      'reject',
      'release',
      'retry',
      'retryLater',
      'systemClock',
      'text',
      'timeout',
    ].toSorted(),
  );
  expect(Object.keys(driverFace)).toEqual(
    expect.arrayContaining(['AnymqError', 'createWireFormat', 'partitionOf', 'physicalName', 'systemClock']),
  );
});

interface Order {
  readonly id: string;
  readonly customerId: string;
  readonly free?: boolean;
}
interface StockChange {
  readonly product: string;
}
const orders = core.defineQueue<Order>('orders', { key: (order) => order.customerId, ordering: 'key' });
const stock = core.defineTopic<StockChange>('stock-changes', { groups: ['website', 'app', 'analytics'] });

test('the program of the contract runs as it stands there', async () => {
  await using mq = await core.connect('memory:', { drivers: [memory] });
  const charged: string[] = [];
  const indexed = Promise.withResolvers<StockChange>();
  const publisher = mq.producer(stock);
  const billing = mq.consumer(
    orders,
    { concurrency: 4, retry: { maxAttempts: 2, backoff: core.exponential({ initialMs: 1, maxMs: 5 }) } },
    async (order, delivery) => {
      if (order.free === true) return core.reject('nothing to charge');
      if (delivery.attempt === 1) throw new Error('the gateway is busy');
      charged.push(order.id);
      await publisher.send({ product: order.id }, { headers: { tenant: 'a' } });
      return undefined;
    },
  );
  const website = mq.consumer(
    stock,
    {
      group: 'website',
      use: [core.idempotent({ store: core.createMemoryStore() }), core.timeout({ afterMs: 10_000 })],
    },
    (change, delivery) => {
      expect(delivery.signal.aborted).toBe(false);
      indexed.resolve(change);
    },
  );
  await Promise.all([billing.start(), website.start()]);
  const results = await mq.producer(orders).sendMany([
    { id: 'o-1', customerId: 'c' },
    { id: 'o-2', customerId: 'c', free: true },
  ]);
  expect(results.every(({ ok }) => ok)).toBe(true);
  expect(await indexed.promise).toEqual({ product: 'o-1' });
  expect(charged).toEqual(['o-1']);
  await billing.stop();
  const dead = mq.deadLetters(orders);
  const letters: string[] = [];
  for await (const letter of dead.list({ limit: 20 })) letters.push(`${letter.reason.name}: ${letter.reason.message}`);
  expect(letters).toEqual(['Rejected: nothing to charge']);
  expect(await dead.redrive({ ratePerSecond: 100 })).toEqual({ redriven: 1, skipped: 0, failed: 0 });
  expect((await mq.inspect(orders)).backlog).toEqual({ value: 1, exact: true });
});

test('one configuration, several brokers: each destination lives where its route says', async () => {
  const config: Config = {
    brokers: { tasks: 'memory:routes-tasks', events: { driver: 'memory', broker: 'routes-events' } },
    routes: { orders: 'tasks', '*': 'events' },
    namespace: 'staging',
  };
  await using mq = await core.connect(config, { drivers: [memory] });
  await mq.producer(orders).send({ id: 'o-1', customerId: 'c' });
  await mq.producer(stock).send({ product: 'p' });
  expect((await mq.check()).brokers).toEqual([
    { name: 'tasks', ok: true },
    { name: 'events', ok: true },
  ]);
  await using tasks = await core.connect(
    { brokers: { only: 'memory:routes-tasks' }, namespace: 'staging' },
    { drivers: [memory] },
  );
  expect((await tasks.inspect(orders)).backlog.value).toBe(1);
  await using other = await core.connect('memory:routes-tasks', { drivers: [memory] });
  const { created } = await other.provision([orders]);
  expect(created).not.toEqual([]);
  expect((await other.inspect(orders)).backlog.value).toBe(0);
});

test('a consumer that knows no client is run by any', async () => {
  const seen = Promise.withResolvers<string>();
  const definition = core.defineConsumer(orders, { concurrency: 2 }, (order) => seen.resolve(order.id));
  await using mq = await core.connect('memory:', { drivers: [memory] });
  await mq.run(definition).start();
  await mq.producer(orders).send({ id: 'o-9', customerId: 'c' });
  expect(await seen.promise).toBe('o-9');
});
