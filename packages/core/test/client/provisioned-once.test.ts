import { createMemoryDriver } from '@anymq/memory';
import { expect, test } from 'vitest';
import { createClient, defineQueue } from '../../src/index.ts';
import type { Driver, ProvisionMode } from '../../src/driver.ts';

const jobs = defineQueue<string>('jobs');

/** A driver, and in which modes it was asked to provision. */
function watched(differences: readonly string[] = []): { readonly driver: Driver; readonly modes: ProvisionMode[] } {
  const modes: ProvisionMode[] = [];
  const driver = createMemoryDriver();
  return {
    modes,
    driver: {
      ...driver,
      async provision(plan, mode) {
        modes.push(mode);
        const { created } = await driver.provision(plan, mode);
        return { created, differences: modes.length === 1 ? differences : [] };
      },
    },
  };
}

test('what was provisioned is not looked at again before its first use', async () => {
  const { driver, modes } = watched();
  await using mq = await createClient(driver);
  await mq.provision([jobs]);
  await mq.producer(jobs).send('a');
  expect(modes).toEqual(['create']);
});

test('what is not as defined, or was not looked at, is looked at before its first use', async () => {
  const { driver, modes } = watched(['Another retention.']);
  await using mq = await createClient(driver);
  await mq.provision([jobs]);
  await mq.provision([jobs], { mode: 'assume' });
  await mq.producer(jobs).send('a');
  expect(modes).toEqual(['create', 'assume', 'create']);
});

test('what was provisioned and removed is made again', async () => {
  const { driver, modes } = watched();
  await using mq = await createClient(driver);
  await mq.provision([jobs]);
  await mq.remove([jobs]);
  await mq.producer(jobs).send('a');
  expect(modes).toEqual(['create', 'create']);
});
