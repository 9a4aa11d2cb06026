import type { Timer } from '../clock.ts';
import type { BatchDelivery, BatchHandler } from '../consume-types.ts';
import type { AnymqError } from '../errors.ts';
import { outcomesOf, release, type Outcome } from '../outcome.ts';
import { decodeBody } from './decode-body.ts';
import type { DeliveryView } from './delivery-view.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Job } from './job.ts';
import type { RunResult } from './run-end.ts';
import type { Runner } from './runner.ts';

interface Member {
  readonly job: Job;
  readonly delivery: DeliveryView;
}

/** Runs a handler for batches. A batch starts when it is full, or when its first message has waited for `maxWaitMs`. */
export function createBatchRunner(dispatcher: Dispatcher, handler: BatchHandler<unknown>): Runner {
  const { desk } = dispatcher;
  const { destination, concurrency, maxMessages, maxWaitMs } = desk.settings;
  const { clock } = desk.context;
  let slots = 0;
  let timer: Timer | undefined;
  let waited = false;

  function pump(): void {
    while (slots < concurrency && (dispatcher.isolating || waited || desk.ready.length >= maxMessages)) {
      const members = takeMembers();
      if (members.length === 0) break;
      slots++;
      void run(members);
    }
    waited &&= desk.ready.length > 0 && slots === concurrency;
    if (desk.ready.length > 0 && !waited && dispatcher.isOpen) timer ??= clock.setTimeout(onWaited, maxWaitMs);
  }

  function onWaited(): void {
    timer = undefined;
    waited = true;
    dispatcher.pump();
  }

  function takeMembers(): Member[] {
    const members: Member[] = [];
    while (members.length < maxMessages) {
      const job = dispatcher.take();
      if (job === undefined) break;
      members.push({ job, delivery: dispatcher.begin(job) });
    }
    return members;
  }

  async function run(taken: readonly Member[]): Promise<void> {
    const members = stillOurs(await decodeAll(taken));
    if (members.length > 0) await runDecoded(members);
    slots--;
    dispatcher.pump();
  }

  async function decodeAll(taken: readonly Member[]): Promise<readonly Member[]> {
    let invalid: Set<Member> | undefined;
    for (const member of taken) {
      try {
        const body = decodeBody(destination, member.job.received);
        member.delivery.body = body instanceof Promise ? await body : body;
      } catch (error) {
        (invalid ??= new Set()).add(member);
        dispatcher.end(member.job, { invalid: error });
      }
    }
    return invalid === undefined ? taken : taken.filter((member) => !invalid.has(member));
  }

  async function runDecoded(members: readonly Member[]): Promise<void> {
    const result = await callHandler(members);
    if (!('error' in result) || members.length === 1) return endAll(members, result);
    // Nobody knows which of them failed, so each runs for itself.
    for (const member of members) {
      const one = stillOurs([member]);
      if (one.length > 0) endAll(one, desk.stopping ? givenBack : await callHandler(one));
    }
  }

  /** Those that were lost, or given back, before their turn end without a run. */
  function stillOurs(members: readonly Member[]): readonly Member[] {
    if (!members.some(isGone)) return members;
    for (const member of members) if (isGone(member)) dispatcher.end(member.job, { error: member.delivery.aborted });
    return members.filter((member) => !isGone(member));
  }

  async function callHandler(
    members: readonly Member[],
  ): Promise<{ readonly outcomes: readonly (Outcome | undefined)[] | undefined } | { readonly error: unknown }> {
    try {
      const returned = await handler(
        members.map(({ delivery }) => delivery as BatchDelivery<unknown>),
        batchContext(members),
      );
      return { outcomes: outcomesOf(returned, members.length) };
    } catch (error) {
      return { error };
    }
  }

  function endAll(members: readonly Member[], result: Awaited<ReturnType<typeof callHandler>>): void {
    const error = 'error' in result ? result : undefined;
    const outcomes = 'error' in result ? undefined : result.outcomes;
    for (let index = 0; index < members.length; index++) {
      dispatcher.end((members[index] as Member).job, error ?? resultOf(outcomes?.[index]));
    }
  }

  return { pump, stop: () => clock.clearTimeout(timer) };
}

function isGone({ delivery }: Member): boolean {
  return delivery.aborted !== undefined;
}

const givenBack = { outcomes: [release({ delayMs: 0 })] };

function resultOf(outcome: Outcome | undefined): RunResult {
  return outcome === undefined ? undefined : { value: outcome };
}

/** The signal, made when it is read, aborts when none of the batch is ours any more, and at the stop's deadline. */
function batchContext(members: readonly Member[]): { readonly signal: AbortSignal } {
  let controller: AbortController | undefined;
  let reason: AnymqError | undefined;
  let left = members.length;
  const onAbort = (why: AnymqError): void => {
    if (--left > 0 && why.code !== 'ABORTED') return;
    reason ??= why;
    controller?.abort(reason);
  };
  for (const { delivery } of members) delivery.onAbort = onAbort;
  return {
    get signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (reason !== undefined) controller.abort(reason);
      }
      return controller.signal;
    },
  };
}
