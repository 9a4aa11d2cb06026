import { lost, type ReceiverOptions } from '@anymq/core/driver';
import type { Link } from './client.ts';
import { Caretaker } from './caretaker.ts';
import { Committer } from './committer.ts';
import type { Delivery } from './delivery.ts';
import { DeletedTopic } from './deleted-topic.ts';
import type { DriverContext } from './driver-context.ts';
import { Fetcher } from './fetcher.ts';
import { Loader } from './loader.ts';
import { Membership } from './membership.ts';
import type { Names } from './names.ts';
import type { Part } from './part.ts';
import type { PartitionLog } from './partition-log.ts';
import { refugesOf } from './refuges.ts';
import { Share } from './share.ts';
import { Tiers } from './tiers.ts';
import { Transactions } from './transactions.ts';

export interface HoldingsContext {
  readonly context: DriverContext;
  readonly names: Names;
  /** For the membership, and for everything else. */
  readonly links: readonly [Link, Link];
  readonly options: ReceiverOptions;
  /** Nobody else reads the destination, and no history of it is kept. */
  readonly trimsMain: boolean;
  readonly onRecords: () => void;
  /** The group knows that this member retreats. */
  readonly onRetreated: () => void;
  /** Each part for itself: that one works does not mean that another does. undefined: it works again. */
  readonly onTrouble: (part: Part, error: unknown) => void;
}

const maxSessionMs = 60_000;
const farewellMs = 3000;

/** The partitions that this member holds, from the assignment to the hand-over. */
export class Holdings {
  readonly #context: HoldingsContext;
  readonly #shares = new Map<number, Share>();
  readonly #membership: Membership;
  readonly #committer: Committer;
  readonly #fetcher: Fetcher;
  readonly #loader: Loader;
  readonly tiers: Tiers;
  readonly #caretaker: Caretaker;
  /** Of a receiver that was opened for transactions. */
  readonly transactions: Transactions | undefined;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<void>>();
  readonly #topic: DeletedTopic;
  #isRetreating = false;

  constructor(context: HoldingsContext) {
    this.#context = context;
    const { links, names, options, onTrouble } = context;
    const [memberLink, link] = links;
    const { clock, logger, minSessionMs } = context.context;
    this.#loader = new Loader(context.context, link, names);
    this.#membership = new Membership({
      link: memberLink,
      sideLink: link,
      clock,
      logger,
      groupId: names.group,
      topic: names.main,
      ownerId: context.context.ownerId,
      sessionMs: Math.min(maxSessionMs, Math.max(minSessionMs, options.leaseMs)),
      claims: () => [...this.#shares.keys()],
      onAssigned: (partitions, alive) => this.#onAssigned(partitions, alive),
      onEvicted: () => this.#loseAll(),
      onTrouble: (error) => onTrouble('membership', error),
    });
    this.tiers = new Tiers({
      loader: this.#loader,
      logger,
      shareOf: (partition) => this.shareOf(partition),
      onAdded: () => this.#fetcher.wake(),
      track: (work) => this.#track(work),
    });
    const onMissing = (topics: readonly string[]): void => this.#onMissing(topics);
    this.#committer = new Committer({
      link,
      clock,
      logger,
      groupId: names.group,
      membership: this.#membership,
      onMissing,
    });
    this.transactions =
      options.transactional === true
        ? new Transactions({ link, clock, logger, groupId: names.group, committer: this.#committer, holdings: this })
        : undefined;
    this.#topic = new DeletedTopic({
      link,
      clock,
      topic: names.main,
      signal: this.#closing.signal,
      onTrouble: (error) => onTrouble('topic', error),
      onThereAgain: () => this.#membership.rejoin(),
    });
    const logs = (): Iterable<PartitionLog> => this.#logs();
    this.#caretaker = new Caretaker({ link, clock, logger, names, trimsMain: context.trimsMain, logs });
    this.#fetcher = new Fetcher({
      link,
      clock,
      groupId: names.group,
      logs,
      onRecords: context.onRecords,
      onPassed: (passed) => this.#track(this.#committer.commit(passed)),
      onMissing,
      onTrouble: (error) => onTrouble('fetching', error),
    });
  }

  start(maxMs: number): Promise<void> {
    return this.#membership.start(maxMs);
  }

  get isAlive(): boolean {
    return this.#membership.isAlive;
  }

  *receiving(paused: ReadonlySet<number> | undefined): Iterable<Share> {
    for (const share of this.#shares.values())
      if (share.isLoaded && !share.isLeaving && paused?.has(share.partition) !== true) yield share;
  }

  fetchMore(): void {
    this.#fetcher.wake();
  }

  /** Durable when it resolves, or no longer ours. */
  async commit(deliveries: readonly Delivery[]): Promise<void> {
    const logs = new Set(deliveries.map(({ entry }) => entry.log));
    if (logs.size > 0) await this.#committer.commit(logs);
  }

  /** Lets a successor know how far messages were handed out; undefined: it does already. */
  reserve(taken: readonly Delivery[]): Promise<void> | undefined {
    return this.#committer.reserve(taken.map(({ entry }) => entry));
  }

  shareOf(partition: number): Share | undefined {
    return this.#shares.get(partition);
  }

  forget(delivery: Delivery): void {
    this.#shares.get(delivery.entry.log.partition)?.out.delete(delivery);
  }

  /** After settlements: partitions that are about to leave may be empty by now, and full ones may have room. */
  onSettled(): void {
    for (const share of this.#shares.values())
      if (share.isLeaving && share.isLoaded && share.out.size === 0) this.#track(this.#handOver(share));
    this.#fetcher.wake();
    this.#context.onRecords();
  }

  get isRetreating(): boolean {
    return this.#isRetreating;
  }

  /** Partitions go to other members as soon as nothing runs in them. */
  retreat(): void {
    this.#isRetreating = true;
    this.#membership.retreat();
  }

  refugesOf(released: ReadonlySet<Delivery>): ReadonlyMap<Delivery, number> {
    return refugesOf(released, this.#shares.values(), this.#loader.partitions);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#caretaker.stop();
    const [, link] = this.#context.links;
    await this.#farewell();
    this.#committer.close();
    await this.#membership.close();
    const fetching = this.#fetcher.close();
    await link.close();
    await Promise.all([fetching, ...this.#work]);
  }

  /** Everything that was not settled goes back, and nothing of it is suspect. */
  async #farewell(): Promise<void> {
    const logs = [...this.#logs()].filter(({ isLost }) => !isLost);
    if (logs.length === 0 || !this.isAlive) return;
    await this.#committer.sayFarewell(logs, farewellMs);
    for (const share of this.#shares.values()) share.lose();
  }

  #logs(): Iterable<PartitionLog> {
    return [...this.#shares.values()].flatMap(({ logs }) => [...logs.values()]);
  }

  #onAssigned(partitions: ReadonlySet<number>, alive: ReadonlySet<string>): void {
    this.#loader.alive = alive;
    for (const share of this.#shares.values()) {
      if (partitions.has(share.partition)) share.isLeaving = false;
      else if (!share.isLeaving) this.#beginHandOver(share);
    }
    const added = [...partitions].filter((partition) => !this.#shares.has(partition)).map((each) => new Share(each));
    for (const share of added) this.#shares.set(share.partition, share);
    if (added.length > 0) this.#track(this.#load(added));
    if (this.#isRetreating) this.#context.onRetreated();
  }

  /** Those that cannot leave yet; none, when nothing could leave before them. */
  blocked(): readonly Share[] {
    const shares = [...this.#shares.values()].filter(({ out }) => out.size > 0);
    return shares.length < this.#loader.partitions ? shares : [];
  }

  async #load(shares: readonly Share[]): Promise<void> {
    const { onTrouble } = this.#context;
    await this.#loader.loadWhile(
      () => shares.filter((share) => this.#shares.get(share.partition) === share),
      { signal: this.#closing.signal, onTrouble: (error) => onTrouble('loading', error) },
      (wanted) => this.transactions?.open(wanted),
    );
    if (this.#closing.signal.aborted) return;
    for (const share of shares) share.isLoaded = true;
    this.onSettled();
  }

  #beginHandOver(share: Share): void {
    share.isLeaving = true;
    if (!share.isLoaded) {
      this.#shares.delete(share.partition);
      this.#membership.rejoin();
      return;
    }
    if (share.out.size > 0) this.#context.options.onRevoking?.([...share.out]);
    if (share.out.size === 0) this.#track(this.#handOver(share));
  }

  /** Nothing of it is in anybody's hands: say how far it is, let go, and let the group know. */
  async #handOver(share: Share): Promise<void> {
    if (this.#shares.get(share.partition) !== share) return;
    await this.#committer.commitFarewell([...share.logs.values()]);
    if (this.#shares.get(share.partition) !== share) return;
    if (!share.isLeaving) {
      this.#committer.stay(share.logs.values());
      return;
    }
    share.lose();
    this.#shares.delete(share.partition);
    this.#membership.rejoin();
  }

  /** What the broker has of it is not what we know. */
  readAgain(share: Share): void {
    if (this.#shares.get(share.partition) !== share) return;
    share.lose();
    this.#shares.delete(share.partition);
    this.#tellLost([...share.out]);
    if (share.isLeaving) return this.#membership.rejoin();
    const again = new Share(share.partition);
    this.#shares.set(again.partition, again);
    this.#track(this.#load([again]));
  }

  #loseAll(): void {
    const shares = [...this.#shares.values()];
    this.#shares.clear();
    for (const share of shares) share.lose();
    this.#tellLost(shares.flatMap(({ out }) => [...out]));
  }

  #tellLost(tokens: readonly Delivery[]): void {
    if (tokens.length > 0) this.#context.options.onLost(tokens, 'revoked');
    for (const token of tokens) token.result ??= lost;
  }

  #onMissing(topics: readonly string[]): void {
    if (topics.includes(this.#context.names.main)) {
      this.#loseAll();
      this.#track(this.#topic.untilThereAgain());
      return;
    }
    const tokens = [...this.#shares.values()].flatMap((share) => share.drop(topics));
    this.#tellLost(tokens);
    if (tokens.length > 0) this.onSettled();
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) this.#context.onTrouble('handing over', error);
      })
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}
