import { describe, expect, test } from 'vitest';
import { checkConfig, routeOf } from '../../src/config/check-config.ts';
import { failure } from './fake-module.ts';

const brokers = { tasks: 'sqs://eu-west-1', events: { driver: 'kafka', brokers: ['k1:9092'] } };

test('gives the defaults', () => {
  expect(checkConfig({ brokers })).toMatchObject({ namespace: 'anymq', provision: 'create' });
});

describe('routes', () => {
  const routes = { orders: 'tasks', constructor: 'events', invoices: { broker: 'tasks', address: 'legacy.fifo' } };

  test('an own route, then the default', () => {
    const config = checkConfig({ brokers, routes: { ...routes, '*': 'events' } });
    expect(routeOf(config, 'orders')).toEqual({ broker: 'tasks' });
    expect(routeOf(config, 'invoices')).toEqual({ broker: 'tasks', address: 'legacy.fifo' });
    expect(routeOf(config, 'constructor')).toEqual({ broker: 'events' });
    expect(routeOf(config, 'other')).toEqual({ broker: 'events' });
  });

  test('one broker needs none', () => {
    expect(routeOf(checkConfig({ brokers: { main: 'memory:' } }), 'to-string')).toEqual({ broker: 'main' });
  });

  test('several brokers and no default: the brokers are listed', async () => {
    const error = await failure(() => routeOf(checkConfig({ brokers, routes }), 'valueof'));
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(error.message).toContain("'tasks', 'events'");
  });
});

const secret = 'amqp://user:hunter2@host';
const refused: readonly (readonly [string, unknown, string])[] = [
  ['nothing', undefined, 'must be an object'],
  ['a list', [secret], 'must be an object'],
  ['an unknown key', { brokers: { a: secret }, broker: secret }, "no option 'broker'"],
  ['no brokers', {}, 'brokers must be an object'],
  ['empty brokers', { brokers: {} }, 'Name at least one'],
  ['a broker of another type', { brokers: { a: 5 } }, "The broker 'a' must be a URL"],
  ['a broker that is null', { brokers: { a: null } }, "The broker 'a' must be a URL"],
  ['a broker without driver', { brokers: { a: { url: secret } } }, 'driver'],
  ['routes of another type', { brokers: { a: secret }, routes: 'a' }, 'routes must be an object'],
  ['a route to nowhere', { brokers: { a: secret }, routes: { orders: 'b' } }, "Name one of 'a'"],
  ['a route to what objects inherit', { brokers: { a: secret }, routes: { orders: 'toString' } }, "Name one of 'a'"],
  ['a route of an impossible name', { brokers: { a: secret }, routes: { Orders: 'a' } }, 'destination name'],
  [
    'a route with an unknown key',
    { brokers: { a: secret }, routes: { orders: { broker: 'a', adress: 'x' } } },
    "'adress'",
  ],
  ['a route that is null', { brokers: { a: secret }, routes: { orders: null } }, "The route of 'orders'"],
  ['an empty address', { brokers: { a: secret }, routes: { orders: { broker: 'a', address: '' } } }, 'address'],
  ['an address of the default', { brokers: { a: secret }, routes: { '*': { broker: 'a', address: 'x' } } }, 'share'],
  ['a bad namespace', { brokers: { a: secret }, namespace: 'My_App' }, 'namespace'],
  ['a namespace that JSON cannot hold', { brokers: { a: secret }, namespace: 5n }, 'got bigint'],
  ['a provision that JSON cannot hold', { brokers: { a: secret }, provision: [5n] }, 'got object'],
  ['a bad provision', { brokers: { a: secret }, provision: 'yes' }, "'create' or 'validate' or 'assume'"],
];

test.each(refused)('%s is refused', async (_, config, says) => {
  const error = await failure(() => checkConfig(config));
  expect(error).toMatchObject({ name: 'AnymqError', code: 'INVALID_OPTION' });
  expect(error.message).toContain(says);
  expect(error.message).not.toContain('hunter2');
});
