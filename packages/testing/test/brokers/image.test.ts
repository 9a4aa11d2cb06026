import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImageSpec } from '../../src/brokers/broker-spec.ts';
import { brokerTable } from '../../src/brokers/broker-table.ts';
import { baseTag, localTag, recipeFolder } from '../../src/brokers/image-recipe.ts';
import { resolveImage } from '../../src/brokers/image.ts';
import { failed, scripted } from './scripted-surroundings.ts';

const image: ImageSpec = { official: 'redis:8', folder: 'redis', suite: 'trixie' };
const noRegistry = failed('pulling\nno such host');

describe('an image is resolved to', () => {
  test('the official one that is there, without asking a registry', async () => {
    const machine = scripted({ images: ['redis:8', localTag(image)] });
    expect(await resolveImage(image, machine)).toBe('redis:8');
    expect(machine.asked).toEqual([]);
  });

  test('the local one that is there, without asking a registry', async () => {
    const machine = scripted({ images: [localTag(image)] });
    expect(await resolveImage(image, machine)).toBe(localTag(image));
    expect(machine.asked).toEqual([]);
  });

  test('the official one from a registry', async () => {
    const machine = scripted({});
    expect(await resolveImage(image, machine)).toBe('redis:8');
    expect(machine.asked).toEqual(['docker pull redis:8']);
  });

  test('the local one, built on the base that is there, when no registry answers', async () => {
    const machine = scripted({ images: [baseTag('trixie')], pull: noRegistry });
    expect(await resolveImage(image, machine)).toBe(localTag(image));
    expect(machine.asked).toEqual(['docker pull redis:8', 'docker build']);
  });
});

describe('an image is not to be had, and the error says why,', () => {
  test('when no registry answers and debootstrap is missing', async () => {
    const machine = scripted({ pull: noRegistry, getGoing: 'not allowed to install it' });
    await expect(resolveImage(image, machine)).rejects.toMatchObject({
      name: 'BrokerUnavailableError',
      message: expect.stringMatching(/redis:8 \(no such host\).*not allowed to install it/) as string,
    });
  });

  test('when a registry takes too long and debootstrap does not work', async () => {
    const machine = scripted({ pull: failed('', -1), failing: 'debootstrap' });
    await expect(resolveImage(image, machine)).rejects.toThrow(/no answer within 15 s.*cannot be built here/);
  });

  test('when Docker does not answer and cannot be got going', async () => {
    const machine = scripted({ version: [1], getGoing: 'To have it: open -a Docker' });
    await expect(resolveImage(image, machine)).rejects.toThrow('To have it: open -a Docker');
  });
});

test('Docker is got going where that is allowed', async () => {
  const machine = scripted({ version: [1, 0], images: ['redis:8'] });
  expect(await resolveImage(image, machine)).toBe('redis:8');
  expect(machine.asked).toEqual(['get docker']);
});

test('what a build needs from elsewhere is fetched into its folder, by Maven where it is jars', async () => {
  const { image: elasticmq } = brokerTable.sqs.containers[0];
  const machine = scripted({ images: [baseTag('trixie')], pull: noRegistry });
  expect(await resolveImage(elasticmq, machine)).toBe(localTag(elasticmq));
  expect(machine.asked).toEqual([
    'docker pull softwaremill/elasticmq:1.7.1',
    'get maven',
    expect.stringMatching(/^mvn .*pom\.xml dependency:copy-dependencies .*jars$/),
    'docker build',
  ]);
  const without = scripted({ images: [baseTag('trixie')], pull: noRegistry, getGoing: 'no Maven here' });
  await expect(resolveImage(elasticmq, without)).rejects.toThrow('no Maven here');
});

describe('the name of a local image', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'anymq-recipe-'));
    cpSync(recipeFolder(image), folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('stays while its recipe does', () => {
    expect(localTag(image, folder)).toBe(localTag(image));
  });

  test.each([['Dockerfile'], ['another-file']])('changes when %s does', (file) => {
    writeFileSync(join(folder, file), 'changed');
    expect(localTag(image, folder)).not.toBe(localTag(image));
  });

  test('tells the Debian release apart', () => {
    expect(localTag({ ...image, suite: 'bookworm' })).not.toBe(localTag(image));
  });
});
