import assert from 'node:assert/strict';
import { defineQueue, text, type DefinitionOptions } from '@anymq/core';
import type { Job } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { ordered } from '../ingredients.ts';

type Schema = NonNullable<DefinitionOptions<Job, Job>['schema']>;

/** Takes jobs whose `n` is above 0, and hands on a parsed copy. */
function positive(asynchronous: boolean): Schema {
  const validate = (
    value: unknown,
  ):
    | { readonly value: Job }
    | { readonly issues: readonly { readonly message: string; readonly path: readonly string[] }[] } => {
    const job = value as Job;
    return job.n > 0
      ? { value: { ...job, what: 'parsed' } }
      : { issues: [{ message: 'must be above 0', path: ['n'] }] };
  };
  return {
    '~standard': {
      version: 1,
      vendor: 'conformance',
      validate: asynchronous ? async (value) => validate(value) : validate,
    },
  };
}

export const undecodable: readonly ConformanceCase[] = casesOf('G5', [
  {
    name: 'an undecodable message is dead-lettered on receipt, and what follows is handled',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, defineQueue<string>('jobs', { codec: text }), '{"n": no JSON', { id: 'broken' });
      await context.send(member, queue, { n: 1 }, { id: 'good' });
      await context.consume(member, queue, {});
      await context.untilHandled(1);
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.equal(letter?.id, 'broken');
      assert.equal(letter.reason.code, 'DECODE_FAILED');
      assert.equal(new TextDecoder().decode(letter.body), '{"n": no JSON');
      assert.deepEqual(
        context.runs.map(({ id }) => id),
        ['good'],
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  ...[false, true].map((asynchronous) => ({
    name: `a message that fails its ${asynchronous ? 'asynchronous ' : ''}schema is dead-lettered on receipt; a good one arrives parsed`,
    async run(context: Parameters<ConformanceCase['run']>[0]) {
      const member = await context.connect();
      const strict = context.queue('jobs', { schema: positive(asynchronous) });
      const lax = context.queue('jobs');
      await context.send(member, lax, { n: -1 }, { id: 'invalid' });
      await context.send(member, strict, { n: 2 }, { id: 'good' });
      await context.consume(member, strict, {});
      await context.untilHandled(1);
      const [letter] = await context.untilLetters(member, strict, 1);
      assert.equal(letter?.id, 'invalid');
      assert.equal(letter.reason.code, 'INVALID_MESSAGE');
      assert.deepEqual(
        context.runs.map(({ body }) => body),
        [{ n: 2, what: 'parsed' }],
      );
      assert.equal(
        new TextDecoder().decode(context.runs[0]?.delivery.message.body),
        '{"n":2}',
        'what was given is what is transmitted',
      );
      context.leaves(strict, { deadLetters: 1 });
    },
  })),
  {
    name: 'on an ordered destination the key of an undecodable message goes on',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      const broken = defineQueue<string>('jobs', { codec: text, ordering: 'key', key: () => 'a', partitions: 4 });
      await context.send(member, queue, { n: 1, key: 'a' });
      await context.send(member, broken, 'no JSON', { id: 'broken' });
      await context.send(member, queue, { n: 2, key: 'a' });
      await context.consume(member, queue, {});
      await context.untilHandled(2);
      const letters = await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        letters.map(({ id, key }) => [id, key]),
        [['broken', 'a']],
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'a batch never holds an undecodable message',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, defineQueue<string>('jobs', { codec: text }), 'no JSON', { id: 'broken' });
      await context.sendJobs(member, queue, [{ n: 1 }, { n: 2 }]);
      const seen: number[] = [];
      await context.consumeBatches(member, queue, { maxWaitMs: 10 }, async (batch) => {
        seen.push(...batch.map(({ body }) => body.n));
        context.log.wake();
      });
      await context.until('both good ones were handled', () => seen.length === 2);
      assert.deepEqual(new Set(seen), new Set([1, 2]));
      assert.equal((await context.untilLetters(member, queue, 1))[0]?.id, 'broken');
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'after the mistake is mended, a redrive brings the undecodable message to its handler',
    async run(context) {
      const member = await context.connect();
      const [asJson, asText] = [context.queue('jobs'), defineQueue<string>('jobs', { codec: text })];
      await context.send(member, asText, 'plain words', { id: 'words' });
      const wrong = await context.consume(member, asJson, {});
      await context.untilLetters(member, asJson, 1);
      await wrong.stop();
      await context.consume(member, asText, {});
      assert.equal((await member.client.deadLetters(asText).redrive()).redriven, 1);
      await context.untilHandled(1);
      assert.deepEqual(
        context.runs.map(({ body, attempt }) => [body, attempt]),
        [['plain words', 1]],
      );
    },
  },
]);
