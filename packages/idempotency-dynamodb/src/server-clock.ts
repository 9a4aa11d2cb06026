import type { DeleteItemCommand, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';

export type Command = UpdateItemCommand | DeleteItemCommand | GetItemCommand;

/**
 * DynamoDB's time, which no condition knows, from the date of its answers: to the second, for all processes the same. From
 * one answer to the next a steady clock goes on, which nobody sets, and which stands still while the process is frozen.
 */
export class ServerClock {
  /** By how much the server's is ahead of the steady one. */
  aheadMs = 0;
  /** Whether an answer has come, also where it does not tell the date: there the process's own time has to do. */
  isKnown = false;

  now(): number {
    return steadyNow() + this.aheadMs;
  }

  /** Hears what each answer to the command says. The stacks of all commands are alike, but a union of them cannot be called. */
  listenTo({ middlewareStack }: Pick<UpdateItemCommand, 'middlewareStack'>): void {
    middlewareStack.add(
      (next) => async (args) => {
        const sentAt = steadyNow();
        const result = await next(args);
        this.#hear(dateOf(result.response), sentAt);
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'anymqServerClock' },
    );
  }

  /** It was written in the second that it tells, and not before the request was sent, nor after now. */
  #hear(second: number, sentAt: number): void {
    if (Number.isNaN(second)) return;
    const least = second - steadyNow();
    const most = second + 1000 - sentAt;
    this.aheadMs = Math.min(most, Math.max(least, this.aheadMs));
  }
}

function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

function dateOf(response: unknown): number {
  const { headers } = response as { readonly headers?: Readonly<Record<string, string>> };
  return Date.parse(headers?.['date'] ?? '');
}
