import {
  defineQueue,
  defineTopic,
  type BatchConsumerOptions,
  type BatchDelivery,
  type Consumer,
  type ConsumerOptions,
  type DeadLetter,
  type DefinitionOptions,
  type Delivery,
  type Destination,
  type Outcome,
  type Producer,
  type ProducerOptions,
  type Queue,
  type Receipt,
  type SendOptions,
  type Topic,
  type TopicOptions,
} from '@anymq/core';
import { CaseMembers } from './case-members.ts';
import { differences, type Leftovers } from './counts.ts';
import { eventually } from './eventually.ts';
import { collect } from './ingredients.ts';
import type { Member } from './member.ts';
import type { Run } from './run-log.ts';

/** The body of most cases. */
export interface Job {
  readonly n: number;
  readonly key?: string;
  readonly what?: string;
}

/** What a handler of the suite does. Undefined: returns at once. */
export type Behaviour = (run: Run, delivery: Delivery) => Promise<Outcome | void> | Outcome | void;

/** A destination, or a group of it, that the case has worked with. */
export interface Used {
  readonly destination: Destination;
  readonly group: string | undefined;
  left: Leftovers;
}

/** Everything that a case works with, and all that has to be cleaned up after it. */
export class CaseContext extends CaseMembers {
  /** Destinations and groups of which the end of the case proves that they are empty. */
  readonly used: Map<string, Used> = new Map();

  get runs(): readonly Run[] {
    return this.log.runs;
  }

  queue<In = Job>(name: string, options?: DefinitionOptions<In, In>): Queue<In> {
    return defineQueue<In>(name, options);
  }

  topic<In = Job>(name: string, options?: TopicOptions<In, In, string>): Topic<In> {
    return defineTopic<In, In>(name, options);
  }

  /** The group's (or queue's) counts are checked at the end of the case: all zero, or what is said here. */
  leaves(destination: Destination, left: Leftovers, group?: string): void {
    this.use(destination, group).left = left;
  }

  use(destination: Destination, group?: string): Used {
    const name = `${destination.name}/${group ?? ''}`;
    const known = this.used.get(name) ?? { destination, group, left: {} };
    this.used.set(name, known);
    return known;
  }

  producer<In, Out>(member: Member, to: Destination<In, Out>, options?: ProducerOptions): Producer<In> {
    if (to.kind === 'queue') this.use(to);
    else for (const group of to.groups.keys()) this.use(to, group);
    return member.client.producer(to, options);
  }

  async send<In, Out>(member: Member, to: Destination<In, Out>, body: In, options?: SendOptions): Promise<Receipt> {
    return this.producer(member, to).send(body, options);
  }

  /** All of them confirmed, one after the other in one call. Each message's id is its `n`. */
  async sendJobs(member: Member, to: Destination<Job>, jobs: readonly Job[]): Promise<void> {
    const results = await this.producer(member, to).sendMany(jobs, (job) => ({ id: String(job.n) }));
    for (const result of results) if (!result.ok) throw result.error;
  }

  /** A consumer that is made and not started. Every run is in the log. */
  consumer<In, Out>(
    member: Member,
    from: Destination<In, Out>,
    options: ConsumerOptions,
    behave?: Behaviour,
  ): Consumer {
    this.use(from, options.group);
    const consumer = member.client.consumer(from, options, (body, delivery) =>
      this.#run(member, body, delivery, behave),
    );
    member.consumers.push(consumer);
    return consumer;
  }

  async consume<In, Out>(
    member: Member,
    from: Destination<In, Out>,
    options: ConsumerOptions,
    behave?: Behaviour,
  ): Promise<Consumer> {
    const consumer = this.consumer(member, from, options, behave);
    await consumer.start();
    return consumer;
  }

  async consumeBatches<In, Out>(
    member: Member,
    from: Destination<In, Out>,
    options: BatchConsumerOptions,
    behave: (batch: readonly BatchDelivery<Out>[]) => Promise<void | readonly (Outcome | undefined)[]>,
  ): Promise<Consumer> {
    this.use(from, options.group);
    const consumer = member.client.batchConsumer(from, options, behave);
    member.consumers.push(consumer);
    await consumer.start();
    return consumer;
  }

  async #run(
    member: Member,
    body: unknown,
    delivery: Delivery,
    behave: Behaviour | undefined,
  ): Promise<Outcome | void> {
    if (member.crashed) return this.#neverReturn(member);
    const { id, key } = delivery.message;
    const run = this.log.started({ member: member.name, id, key, body, attempt: delivery.attempt, delivery });
    try {
      const outcome = await behave?.(run, delivery);
      if (member.crashed) return await this.#neverReturn(member);
      this.log.ended(run, 'returned');
      return outcome;
    } catch (error) {
      if (member.crashed) return this.#neverReturn(member);
      this.log.ended(run, 'threw');
      throw error;
    }
  }

  async #neverReturn(member: Member): Promise<void> {
    await member.buried.opened;
  }

  /** Until so many messages have been handled with success, each counted once. */
  untilHandled(count: number, withinMs?: number): Promise<void> {
    return this.until(`${count} messages were handled`, () => this.handled().size >= count, withinMs);
  }

  /** Ids of messages whose handler returned. */
  handled(): ReadonlySet<string> {
    return this.log.handled;
  }

  runsOf(id: string): readonly Run[] {
    return this.runs.filter((run) => run.id === id);
  }

  /** Until nothing waits, runs or is delayed there any more. */
  async emptied(member: Member, of: Destination, group?: string): Promise<void> {
    let problem = '';
    const probe = async (): Promise<true | undefined> => {
      const found = await member.client.inspect(of, group === undefined ? {} : { group });
      problem = differences({ ...found, deadLetters: { value: null, exact: false } }) ?? '';
      return problem === '' ? true : undefined;
    };
    await eventually(probe, this.within(), () => `${of.name} was not emptied: ${problem}. ${this.log.summary()}`);
  }

  async letters(member: Member, of: Destination, group?: string): Promise<DeadLetter[]> {
    this.use(of, group);
    return collect(member.client.deadLetters(of, group === undefined ? {} : { group }).list());
  }

  /** The dead letters as soon as there are so many. */
  async untilLetters(member: Member, of: Destination, count: number, group?: string): Promise<readonly DeadLetter[]> {
    let seen = 0;
    const probe = async (): Promise<readonly DeadLetter[] | undefined> => {
      const letters = await this.letters(member, of, group);
      seen = letters.length;
      return seen >= count ? letters : undefined;
    };
    return eventually(probe, this.within(), () => `${seen} dead letters instead of ${count}. ${this.log.summary()}`);
  }
}
