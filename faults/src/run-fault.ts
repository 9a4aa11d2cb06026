import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AnymqError, connect } from '@anymq/core';
import type { Client, Queue } from '@anymq/core';
import type { BrokerBehindProxy } from '@anymq/testing/proxy';
import { placeOf } from './drivers.ts';
import type { DriverName } from './drivers.ts';
import type { Aftermath, Fault, Scene } from './fault.ts';
import { judge, pending } from './judge.ts';
import type { Evidence, Letter, Verdict } from './judge.ts';
import { viewLedger } from './ledger.ts';
import type { Entry, LedgerView } from './ledger.ts';
import { startMember } from './member/member.ts';
import type { Member } from './member/member.ts';
import type { MemberOptions } from './member/orders.ts';
import { createRandom } from './random.ts';
import { leakedSecrets } from './secrets.ts';
import { fateOf, isOrdered, ordered, plain, wholeLanes } from './work.ts';
import type { Work } from './work.ts';

export interface RunOptions {
  readonly driver: DriverName;
  readonly behind: BrokerBehindProxy;
  readonly messages: number;
  readonly rate: number;
  readonly seed: number;
}

export interface Outcome extends Verdict {
  readonly fault: string;
  readonly driver: DriverName;
  readonly seed: number;
  /** Processes that ended without having been told to. */
  readonly deaths: number;
  /**
   * From the end of the fault to the first effect, and to the first confirmation if any was to come. Null: none was. Where
   * something else takes over from what broke: the longest time in which any lane had no effect or no confirmation.
   */
  readonly recoveredAfterMs: number | null;
  /** From the end of the fault until everything had its effect or its dead letter. */
  readonly settledAfterMs: number;
  /** Messages that no producer got confirmed before nothing more happened. */
  readonly unsent: number;
  /** Lines that processes printed which hold a payload or a password. */
  readonly secrets: readonly string[];
  /** Where ledger and output are kept when anything is wrong. */
  readonly folder?: string;
}

const leaseMs = 4000;
const consumerCount = 2;
const producerCount = 2;
// While anything happens still, nothing is lost yet.
const quietMs = 45_000;

/** Lets members work, breaks what the fault breaks, and waits until all is told, or nothing more happens. */
export async function runFault(fault: Fault, options: RunOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), `anymq-${options.driver}-${fault.name}-`));
  const ledger = join(folder, 'ledger');
  const log = join(folder, 'log');
  for (const file of [ledger, log]) writeFileSync(file, '');
  const view = viewLedger(ledger);
  const namespace = `f${options.seed}${fault.name.replaceAll('-', '')}`.slice(0, 16);
  const messages = wholeLanes(options.messages);
  const { url, broker } = options.behind;
  // Past the proxy, so that the judge sees what there is.
  const mq = await connect({ brokers: { main: placeOf(broker.url) }, namespace });
  await mq.provision([plain, ordered]);
  const orders = { url, namespace, ledger, messages, rate: options.rate, leaseMs, part: 0, parts: 1 };
  const consumers = startMembers('consumer', consumerCount, orders, log, fault.consumerOptions);
  await Promise.all(consumers.map(({ ready }) => ready));
  const producers = startMembers('producer', producerCount, orders, log);
  const scene: Scene = {
    driver: options.driver,
    behind: options.behind,
    namespace,
    consumers,
    producers,
    leaseMs,
    random: createRandom(options.seed),
    tell: (what) => appendFileSync(log, `=== ${new Date().toISOString()} ${what}\n`),
    progress: (share) => progress(view, share * messages),
  };
  try {
    const aftermath = (await fault.inflict(scene)) ?? {};
    const mendedAt = Date.now();
    const settled = await settle(view, mq, aftermath, producers);
    const settledAfterMs = Date.now() - mendedAt;
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    view.look();
    const verdict = judge({ ...settled, entries: view.entries, letters: await letters(mq) });
    const outcome = {
      ...verdict,
      fault: fault.name,
      driver: options.driver,
      seed: options.seed,
      deaths: [...consumers, ...producers].reduce((sum, { deaths }) => sum + deaths, 0),
      recoveredAfterMs:
        aftermath.brokenAt === undefined
          ? recovery(view.entries, mendedAt)
          : longestSilence(view.entries, aftermath.brokenAt),
      settledAfterMs,
      unsent: producers.every(({ isDone }) => isDone) ? 0 : messages - verdict.confirmed,
      secrets: leakedSecrets(log),
    };
    if (!isBad(outcome)) rmSync(folder, { recursive: true });
    return isBad(outcome) ? { ...outcome, folder } : outcome;
  } finally {
    await Promise.all([...consumers, ...producers].map((member) => member.end()));
    await mq.close();
  }
}

/** Whether it breaks a promise. Duplicates break none. */
export function isBad({ lost, outOfOrder, afterDeath, wronglyDead, secrets, unsent }: Outcome): boolean {
  return unsent > 0 || [lost, outOfOrder, afterDeath, wronglyDead, secrets].some((ids) => ids.length > 0);
}

function startMembers(
  role: Member['role'],
  count: number,
  orders: MemberOptions,
  log: string,
  nodeOptions: readonly string[] = [],
): readonly Member[] {
  return Array.from({ length: count }, (_, part) =>
    startMember(role, { ...orders, part, parts: count }, log, nodeOptions),
  );
}

async function progress(view: LedgerView, confirmed: number): Promise<void> {
  for (view.look(); view.confirmed < confirmed; view.look()) await delay(20);
}

/** Waits until all is sent and everything confirmed has its effect or its dead letter, or until nothing more happens. */
async function settle(
  view: LedgerView,
  mq: Client,
  { mayBeLost = () => false }: Aftermath,
  producers: readonly Member[],
): Promise<Evidence> {
  const rules = { mayBeLost, isOrdered, isPoison: (id: string) => fateOf(id) === 'poison' };
  const bare: Evidence = { ...rules, entries: view.entries, letters: [] };
  let evidence = bare;
  let seen = 0;
  for (let quietSince = Date.now(); Date.now() - quietSince < quietMs; await delay(200)) {
    view.look();
    if (view.entries.length !== seen) quietSince = Date.now();
    seen = view.entries.length;
    // Looking at the dead letters costs the broker something: only when nothing else is missing.
    if (producers.some(({ isDone }) => !isDone) || pending(bare).some((id) => !rules.isPoison(id))) continue;
    evidence = { ...bare, letters: await letters(mq) };
    if (pending(evidence).length === 0) break;
  }
  return evidence;
}

async function letters(mq: Client): Promise<readonly Letter[]> {
  return (await Promise.all([plain, ordered].map((destination) => lettersOf(mq, destination)))).flat();
}

async function lettersOf(mq: Client, destination: Queue<Work>): Promise<readonly Letter[]> {
  const found: Letter[] = [];
  try {
    for await (const { id, lastFailedAt } of mq.deadLetters(destination).list())
      found.push({ id, lastFailedAt: lastFailedAt.getTime() });
  } catch (error) {
    // Deleted with the rest, and not needed since.
    if (!(error instanceof AnymqError) || error.code !== 'NOT_FOUND') throw error;
  }
  return found;
}

/** The later of the first effect and the first confirmation after that time. */
function recovery(entries: readonly Entry[], from: number): number | null {
  const firsts = (['effect', 'confirmed'] as const).flatMap((what) => {
    const first = entries.find((entry) => entry.what === what && entry.at > from);
    return first === undefined ? [] : [first.at - from];
  });
  return firsts.length === 0 ? null : Math.max(...firsts);
}

/** Between two effects or two confirmations of one lane, after that time. */
export function longestSilence(entries: readonly Entry[], from: number): number {
  const last = new Map<string, number>();
  return entries.reduce((longest, { what, key, at }) => {
    if (at <= from) return longest;
    const silence = at - (last.get(`${what} ${key}`) ?? from);
    last.set(`${what} ${key}`, at);
    return Math.max(longest, silence);
  }, 0);
}
