import { AnymqError, type ErrorCode, requireKnown, requireNumber, requireText, sleep } from '@anymq/core/driver';
import { Connection } from './client.ts';
import { classifyError, ownError } from './errors.ts';
import { readSettings, type Settings, type SqsDriverOptions } from './options.ts';
import type { RawMove, SqsEndpoint } from './sqs-endpoint.ts';

export interface MoveOptions {
  /** The dead-letter queue: its own name, as 'orders-dlq'. */
  readonly from: string;
  /** The name of the queue that gets the messages. By default each goes where it came from, which SQS knows only of those that it moved itself. */
  readonly to?: string | undefined;
  /** 1 to 500. By default what SQS chooses. */
  readonly ratePerSecond?: number | undefined;
  /** About once a second. What it throws ends the wait, not the task. */
  readonly onProgress?: ((done: MoveProgress) => void) | undefined;
  /** Aborted: the task is cancelled. */
  readonly signal?: AbortSignal | undefined;
}

export interface MoveProgress {
  /** As SQS counts: approximately. */
  readonly moved: number;
  /** When the task began; null where SQS does not say. */
  readonly toMove: number | null;
}

export interface MoveResult {
  readonly moved: number;
  readonly status: 'completed' | 'cancelled';
}

const everyMs = 1000;
/** Looks at the task that fail one after the other. */
const maxFailures = 10;

/**
 * Sends all messages of a dead-letter queue back by a task of SQS's own (StartMessageMoveTask), and resolves when it has ended. For
 * queues that other programs filled, or SQS itself by a redrive policy; letters that anymq wrote are for `deadLetters(…).redrive()`, for a task
 * chooses none, and moves them with their failure and at their last attempt.
 *
 * By the SQS API reference: only from a queue that is the dead-letter queue of another one, one task a queue at a time, at most 500 messages a
 * second, FIFO to FIFO only; a moved message has a new id and a new time. A task goes on when this process ends.
 * Needs the rights to StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask, and to receive from and send to the queues.
 * @throws INVALID_OPTION, NOT_FOUND, CONFLICT when a task runs already, ACCESS_DENIED, UNAUTHENTICATED, NOT_CONNECTED, UNKNOWN
 */
export async function moveDeadLetters(move: MoveOptions, options: SqsDriverOptions = {}): Promise<MoveResult> {
  check(move);
  const settings = readSettings(options);
  const connection = new Connection(settings.connection, settings.tuning);
  try {
    await connection.check();
    const ends = await arnsOf(connection.queues, move);
    const handle = await start(connection.queues, ends, move.ratePerSecond);
    return await untilEnded(connection.queues, { from: ends.from, handle }, move, settings);
  } catch (error) {
    throw typed(error);
  } finally {
    connection.close();
  }
}

function check(move: MoveOptions): void {
  requireKnown('moveDeadLetters', move, ['from', 'to', 'ratePerSecond', 'onProgress', 'signal']);
  requireText('from', move.from);
  if (move.to !== undefined) requireText('to', move.to);
  if (move.ratePerSecond !== undefined)
    requireNumber('ratePerSecond', move.ratePerSecond, { min: 1, max: 500, integer: true });
  if (move.signal?.aborted === true)
    throw new AnymqError('ABORTED', 'The move was aborted before it began.', { driver: 'sqs' });
}

interface Ends {
  /** ARNs. */
  readonly from: string;
  readonly to: string | undefined;
}

async function arnsOf(queues: SqsEndpoint, { from, to }: MoveOptions): Promise<Ends> {
  const arnOf = async (name: string): Promise<string> =>
    (await queues.attributes(await queues.url(name), ['QueueArn']))['QueueArn'] ?? '';
  return { from: await arnOf(from), to: to === undefined ? undefined : await arnOf(to) };
}

async function start(queues: SqsEndpoint, { from, to }: Ends, ratePerSecond: number | undefined): Promise<string> {
  try {
    return await queues.startMove(from, to, ratePerSecond);
  } catch (error) {
    // SQS has no name for it.
    if (!/already|active task|running/i.test(error instanceof Error ? error.message : '')) throw error;
    throw ownError('CONFLICT', 'A task moves messages of this queue already. Wait for its end.', error);
  }
}

async function untilEnded(
  queues: SqsEndpoint,
  { from, handle }: { readonly from: string; readonly handle: string },
  { signal, onProgress }: MoveOptions,
  { clock }: Settings,
): Promise<MoveResult> {
  for (let failures = 0; ;) {
    await sleep(clock, everyMs, signal?.aborted === true ? undefined : signal);
    try {
      const cancelled = signal?.aborted === true ? await cancel(queues, handle) : undefined;
      const task = cancelled === undefined ? await queues.lastMove(from) : undefined;
      const result = cancelled ?? resultOf(task);
      if (result !== undefined) return result;
      failures = 0;
      onProgress?.(progressOf(task));
    } catch (error) {
      if (!classifyError(error).retryable || (failures += 1) > maxFailures) throw error;
    }
  }
}

/** Undefined: it has ended, and cannot be cancelled. */
async function cancel(queues: SqsEndpoint, handle: string): Promise<MoveResult | undefined> {
  try {
    return { moved: await queues.cancelMove(handle), status: 'cancelled' };
  } catch (error) {
    if (classifyError(error).retryable) throw error;
    return undefined;
  }
}

function progressOf(task: RawMove | undefined): MoveProgress {
  const { ApproximateNumberOfMessagesMoved: moved = 0, ApproximateNumberOfMessagesToMove: toMove = null } = task ?? {};
  return { moved, toMove };
}

/** Undefined while it goes on. @throws what it failed with */
function resultOf(task: RawMove | undefined): MoveResult | undefined {
  const { moved } = progressOf(task);
  switch (task?.Status) {
    case 'COMPLETED':
      return { moved, status: 'completed' };
    case 'CANCELLED':
      return { moved, status: 'cancelled' };
    case 'FAILED':
      throw failureOf(task.FailureReason ?? 'no reason', moved);
    default:
      return undefined;
  }
}

/** The reason is a code of AWS's: SQS API reference, ListMessageMoveTasks. */
function failureOf(reason: string, moved: number): AnymqError {
  const code: ErrorCode = /CouldNotDetermineMessageSource/.test(reason) ? 'INVALID_OPTION' : codeOf(reason);
  const advice = code === 'INVALID_OPTION' ? ' SQS does not know where they came from: name the queue as `to`.' : '';
  return new AnymqError(code, `SQS moved about ${moved} messages, and gave up: ${reason}.${advice}`, { driver: 'sqs' });
}

function codeOf(reason: string): ErrorCode {
  const [, name = reason] = /([A-Za-z.]+)$/.exec(reason) ?? [];
  return classifyError({ name }).code;
}

function typed(error: unknown): AnymqError {
  if (AnymqError.isInstance(error)) return error;
  const { code, retryable } = classifyError(error);
  const text = 'SQS refused the move, or did not answer. See `code` and `cause`.';
  return new AnymqError(code, text, { retryable, driver: 'sqs', cause: error });
}
