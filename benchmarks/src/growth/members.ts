import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { defineQueue, type Queue } from '@anymq/core';
import { type BenchCase, requireCount } from '../bench-case.ts';
import { ordersOf } from '../payload.ts';
import { labelsOf } from './cases.ts';
import { open } from './opened.ts';
import { sendAll } from '../send-all.ts';

/** Handlers wait, so that more processes are more handlers and not only more load on the same cores. */
export const handlerMs = 5;
export const memberConcurrency = 10;
export const membersQueue: Queue = defineQueue('grow');

interface Members {
  readonly on: string;
  readonly x: number;
  /** Messages for each process. */
  readonly messages: number;
}

/** One queue, and so many processes with a consumer each: from the word to start until the last message was handled. */
export function processesCase(url: string, { on, x, messages }: Members): BenchCase {
  const all = messages * x;
  return {
    labels: labelsOf({ on, x, axis: 'processes', curve: '5 ms handlers', messages: all }),
    messages: all,
    async prepare() {
      const { client, namespace, close } = await open(url, [membersQueue]);
      await sendAll(client.producer(membersQueue), ordersOf(all));
      const members = await Promise.all(Array.from({ length: x }, () => startMember(url, namespace)));
      return {
        async run() {
          const handled = untilHandled(members, all);
          for (const member of members) member.send('go');
          await handled;
        },
        async finish() {
          await Promise.all(members.map(endMember));
          const { backlog } = await client.inspect(membersQueue);
          await close();
          requireCount(`processes ${x}: left in the queue`, backlog.value, 0);
        },
      };
    },
  };
}

async function startMember(url: string, namespace: string): Promise<ChildProcess> {
  const member = fork(join(import.meta.dirname, 'member.ts'), [url, namespace], { execArgv: ['--conditions=source'] });
  await once(member, 'message');
  return member;
}

async function endMember(member: ChildProcess): Promise<void> {
  const exited = once(member, 'exit');
  member.send('stop');
  await exited;
}

function untilHandled(members: readonly ChildProcess[], all: number): Promise<void> {
  const handled = members.map(() => 0);
  return new Promise((resolve, reject) => {
    for (const [index, member] of members.entries()) {
      member.once('exit', () => reject(new Error('A consumer in a process of its own ended too early.')));
      member.on('message', (message: { readonly handled: number }) => {
        handled[index] = message.handled;
        if (handled.reduce((sum, count) => sum + count, 0) >= all) resolve();
      });
    }
  });
}
