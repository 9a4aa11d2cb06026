import { type Clock, type Logger, sleep } from '@anymq/core/driver';
import { assign, decodeAssignment, encodeAssignment, encodeClaim, ownerIdsOf, protocolName } from './assignment.ts';
import type { Link } from './client.ts';
import type { Broker, JoinedGroup } from './protocol.ts';
import { leadersOf } from './cluster-calls.ts';
import { errorType } from './errors.ts';

export interface MembershipContext {
  /** Its own: a join may wait for an answer for long. */
  readonly link: Link;
  /** Where a farewell does not wait behind a join. */
  readonly sideLink: Link;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly groupId: string;
  readonly topic: string;
  /** Of this process. */
  readonly ownerId: string;
  readonly sessionMs: number;
  /** What this member holds now. */
  readonly claims: () => readonly number[];
  /** After every join: what it is to hold, and which processes are in the group. */
  readonly onAssigned: (partitions: ReadonlySet<number>, alive: ReadonlySet<string>) => void;
  /** The group goes on without us: everything that was held may be somebody else's by now. */
  readonly onEvicted: () => void;
  /** The coordinator does not answer as it should; undefined: it does again. */
  readonly onTrouble: (error: unknown) => void;
}

/** By which the broker knows us; of every commit. */
export interface Identity {
  readonly memberId: string;
  readonly generation: number;
}

const nobody: Identity = { memberId: '', generation: -1 };
const rebalanceMs = 15_000;
const retryMs = 150;
const leaveMs = 1000;
/** How often the leader counts the partitions. */
const countEveryMs = 5000;
const strangers: ReadonlySet<string | undefined> = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'FENCED_INSTANCE_ID',
]);

/**
 * Membership of a group, by Kafka's own protocol. Heartbeats go on whatever the handlers do, and a join stops nothing:
 * what is claimed stays ours until we have handed it over.
 */
export class Membership {
  readonly #context: MembershipContext;
  readonly #heartbeatMs: number;
  readonly #closing = new AbortController();
  #wake: AbortController | undefined;
  #identity: Identity = nobody;
  /** Who we were until our session ran out by our own clock: a broker that was away may count us in still. */
  #formerId = '';
  #coordinator: Broker | undefined;
  #isLeaving = false;
  #wantsJoin = true;
  #isJoining = false;
  /** Of the topic when they were given out; 0: by another member. */
  #partitions = 0;
  #countedAt = 0;
  #contactAt: number;
  #running: Promise<void> | undefined;
  readonly #firstJoin = Promise.withResolvers<void>();

  constructor(context: MembershipContext) {
    this.#context = context;
    this.#heartbeatMs = Math.min(1000, context.sessionMs / 8);
    this.#contactAt = context.clock.now();
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** By our own clock the broker still counts us in. */
  get isAlive(): boolean {
    const { clock, sessionMs } = this.#context;
    return this.#identity !== nobody && (this.#isJoining || clock.now() - this.#contactAt < sessionMs);
  }

  /** Resolves after the first join, or after `maxMs`. */
  async start(maxMs: number): Promise<void> {
    this.#running = this.#run();
    const late = new AbortController();
    await Promise.race([this.#firstJoin.promise, sleep(this.#context.clock, maxMs, late.signal)]);
    late.abort();
  }

  /** What we hold, or want, has changed. */
  rejoin(): void {
    this.#wantsJoin = true;
    this.#wake?.abort();
  }

  /** Takes no partition any more. */
  retreat(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.rejoin();
  }

  /** A commit was answered as if we were not there. */
  evict(): void {
    if (this.#identity === nobody) return;
    this.#identity = nobody;
    this.#context.logger.warn('The consumer group went on without this member.', { group: this.#context.groupId });
    this.#context.onEvicted();
    this.rejoin();
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wake?.abort();
    await this.#leave();
    await this.#context.link.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        if (this.#wantsJoin || this.#identity === nobody) await this.#join();
        else await this.#beat();
        this.#context.onTrouble(undefined);
      } catch (error) {
        await this.#onFailure(error);
      }
    }
    this.#firstJoin.resolve();
  }

  async #join(): Promise<void> {
    const { groupId, topic, ownerId, sessionMs, claims } = this.#context;
    this.#wantsJoin = false;
    this.#isJoining = true;
    try {
      this.#coordinator ??= await this.#context.link.cluster.findGroupCoordinator({ groupId });
      const memberId = this.#identity.memberId || this.#formerId;
      const claim = { owned: claims(), memberId, isLeaving: this.#isLeaving, ownerId };
      const joined = await this.#coordinator.joinGroup({
        groupId,
        sessionTimeout: sessionMs,
        rebalanceTimeout: Math.max(rebalanceMs, sessionMs),
        memberId,
        groupProtocols: [{ name: protocolName, metadata: encodeClaim(topic, claim) }],
      });
      this.#contactAt = this.#context.clock.now();
      // The broker forgot who we were, and took us in as somebody new.
      if (memberId !== '' && joined.memberId !== memberId) this.#context.onEvicted();
      this.#formerId = '';
      this.#identity = { memberId: joined.memberId, generation: joined.generationId };
      await this.#sync(joined, this.#coordinator);
    } finally {
      this.#isJoining = false;
    }
    this.#firstJoin.resolve();
  }

  async #sync({ members, leaderId, memberId, generationId }: JoinedGroup, coordinator: Broker): Promise<void> {
    const { groupId, topic, link, clock } = this.#context;
    let groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[] = [];
    this.#partitions = 0;
    if (leaderId === memberId) {
      const leaders = await leadersOf(link, topic, clock);
      const partitions = [...(leaders?.keys() ?? [])].toSorted((a, b) => a - b);
      this.#partitions = partitions.length;
      this.#countedAt = clock.now();
      const alive = ownerIdsOf(members);
      groupAssignment = [...assign(members, partitions)].map(([id, share]) => ({
        memberId: id,
        memberAssignment: encodeAssignment(topic, { partitions: share, alive }),
      }));
    }
    const answer = await coordinator.syncGroup({ groupId, generationId, memberId, groupAssignment });
    this.#contactAt = clock.now();
    if (this.#closing.signal.aborted || this.#identity.memberId !== memberId) return;
    const { partitions, alive } = decodeAssignment(answer.memberAssignment);
    this.#context.onAssigned(new Set(partitions), new Set(alive));
  }

  async #beat(): Promise<void> {
    const { clock, groupId } = this.#context;
    this.#wake = new AbortController();
    await sleep(clock, this.#heartbeatMs, this.#wake.signal);
    this.#wake = undefined;
    const { memberId, generation } = this.#identity;
    if (this.#wantsJoin || this.#identity === nobody || this.#closing.signal.aborted) return;
    this.#coordinator ??= await this.#context.link.cluster.findGroupCoordinator({ groupId });
    await this.#coordinator.heartbeat({ groupId, memberId, groupGenerationId: generation });
    this.#contactAt = clock.now();
    if (this.#partitions > 0 && clock.now() - this.#countedAt >= countEveryMs) await this.#count();
  }

  /** Somebody may have added some: nobody has them until the next join. */
  async #count(): Promise<void> {
    const { link, topic, clock } = this.#context;
    this.#countedAt = clock.now();
    const leaders = await leadersOf(link, topic, clock);
    if ((leaders?.size ?? 0) > this.#partitions) this.#wantsJoin = true;
  }

  async #onFailure(error: unknown): Promise<void> {
    const { clock, sessionMs, onTrouble } = this.#context;
    if (this.#closing.signal.aborted) return;
    const type = errorType(error);
    if (type === 'REBALANCE_IN_PROGRESS') {
      this.#contactAt = clock.now();
      this.#wantsJoin = true;
      return;
    }
    if (strangers.has(type)) {
      this.#formerId = '';
      if (this.#identity === nobody) this.#wantsJoin = true;
      this.evict();
      return;
    }
    this.#coordinator = undefined;
    this.#wantsJoin ||= this.#identity === nobody;
    if (clock.now() - this.#contactAt >= sessionMs) this.#runOut();
    onTrouble(error);
    await sleep(clock, retryMs, this.#closing.signal);
    try {
      await this.#context.link.cluster.refreshMetadata();
    } catch (failure) {
      onTrouble(failure);
    }
  }

  /** A new name would have to wait until the broker has given up the old one. */
  #runOut(): void {
    this.#formerId = this.#identity.memberId || this.#formerId;
    this.evict();
  }

  async #leave(): Promise<void> {
    const { clock, sideLink } = this.#context;
    const memberId = this.#identity.memberId || this.#formerId;
    this.#identity = nobody;
    if (memberId === '' || sideLink.closed) return;
    const done = new AbortController();
    await Promise.race([this.#sayFarewell(memberId), sleep(clock, leaveMs, done.signal)]);
    done.abort();
  }

  async #sayFarewell(memberId: string): Promise<void> {
    const { groupId, logger, sideLink } = this.#context;
    try {
      const coordinator = await sideLink.cluster.findGroupCoordinator({ groupId });
      await coordinator.leaveGroup({ groupId, memberId });
    } catch (error) {
      logger.debug('Leaving the group failed; its session will run out.', { reason: errorType(error) });
    }
  }
}
