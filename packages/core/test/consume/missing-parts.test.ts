import { expect, test, vi } from 'vitest';
import { settle } from './rest.ts';
import { received, ScriptedError } from './scripted-driver.ts';
import { stage } from './stage.ts';

// As if the installation had been replaced under the process: what is loaded later cannot be loaded any more.
const missing = vi.hoisted(() => () => {
  throw new Error('There is no such file.');
});
vi.mock('../../src/consume/outcomes.ts', missing);
vi.mock('../../src/consume/isolation.ts', missing);
vi.mock('../../src/wrap-error.ts', missing);

test('a message whose failure cannot be worked out goes back, uncharged, and its key in order with it', async () => {
  const { driver, runs } = await stage({ ordered: true });
  driver.deliver(received('a', { key: 'k' }), received('b', { key: 'k' }));
  await settle();
  await settle();
  runs.fail('a');
  await vi.waitFor(() => expect(driver.outcomes).toEqual(['release a', 'release b']));
  driver.deliver(received('c', { key: 'other' }));
  await vi.waitFor(() => expect(runs.running).toEqual(['c']));
});

test('a broker whose errors cannot be told is asked again', async () => {
  const { driver, runs, consumer, clock } = await stage();
  driver.onReceive = () => Promise.reject(new ScriptedError('cut'));
  driver.endPoll();
  await vi.waitFor(() => expect(consumer.state).toBe('recovering'));
  driver.onReceive = undefined;
  driver.deliver(received('a'));
  await vi.waitFor(async () => {
    await clock.advance(100);
    expect(runs.running).toEqual(['a']);
  });
  expect(consumer.state).toBe('running');
});

test('a suspect is left to come again, and the consumer goes on', async () => {
  const { driver, runs, consumer, clock } = await stage();
  driver.deliver(received('s', { suspect: true }));
  await vi.waitFor(() => expect(consumer.state).toBe('recovering'));
  driver.deliver(received('a'));
  await vi.waitFor(async () => {
    await clock.advance(100);
    expect(runs.running).toEqual(['a']);
  });
  expect(driver.settleCalls).toEqual([]);
});
