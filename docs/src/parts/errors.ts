import { AnymqError, type ErrorCode } from '../../../packages/core/src/errors.ts';
import { table } from '../markdown.ts';

interface Advice {
  readonly meaning: string;
  readonly advice: string;
}

// A record, so that the compiler finds a code that is missing or no more.
const advices: Readonly<Record<ErrorCode, Advice>> = {
  INVALID_OPTION: {
    meaning: 'A name, an option or a combination of options is wrong.',
    advice: 'A mistake in the program. The message names the option and its bounds.',
  },
  INVALID_MESSAGE: {
    meaning:
      'The body fails its schema, the codec cannot encode it, or the key that was computed from it is no valid key.',
    advice: 'Send a body that fits. The message names the paths that failed and shows no value.',
  },
  DECODE_FAILED: {
    meaning: 'The codec cannot decode the body of a received message. Seen as the reason of a dead letter.',
    advice: 'Find out who sent it. Mend the codec and redrive, or purge.',
  },
  TOO_LARGE: {
    meaning: 'Body or headers are above the limit. Nothing was sent.',
    advice: 'Store the content elsewhere and send a reference.',
  },
  UNSUPPORTED: {
    meaning:
      'The broker lacks the capability that an option needs, or an adapter is made for another version of the driver interface.',
    advice: 'The message says what works instead. `explain` tells it before a move.',
  },
  ADAPTER_MISSING: {
    meaning: "The adapter's package, or its vendor's client, is not installed where the application finds it.",
    advice: 'Run the install line of the message, or pass the module: `connect(config, { drivers: [module] })`.',
  },
  NOT_CONNECTED: {
    meaning: 'The broker cannot be reached, or the connection was lost.',
    advice: 'Check address and broker. Producers and consumers try again by themselves.',
  },
  UNAUTHENTICATED: { meaning: 'The broker refused the credentials.', advice: 'Check user, password or token.' },
  ACCESS_DENIED: {
    meaning: 'The broker refused the operation to this user.',
    advice: 'Give the user the right to it.',
  },
  NOT_FOUND: {
    meaning: 'The destination or the group does not exist on the broker.',
    advice: "Provision it, or leave `provision` at 'create'.",
  },
  TOPOLOGY_MISMATCH: {
    meaning: 'The destination exists, and differs from its definition.',
    advice: "`provision([…], { mode: 'validate' })` lists the differences.",
  },
  SERVER_TOO_OLD: { meaning: 'The broker is older than the adapter needs.', advice: 'Update the broker.' },
  TIMEOUT: {
    meaning:
      'The broker did not confirm or answer in time, or a handler ran into `timeout` (then its name is TimeoutError).',
    advice:
      "Of a send, look at `outcome`: after 'unknown' the message may be there, so send it again with the same id. Of a handler: pass on `delivery.signal`.",
  },
  THROTTLED: {
    meaning: 'The broker asks for fewer calls.',
    advice: 'Core waits as long as the broker wishes; if it persists, raise the quota.',
  },
  CONFLICT: {
    meaning:
      'The call meets another one: a second `start`, a `seek` while members run, or a message whose predecessor of the same key failed in `sendMany`.',
    advice: 'Start a consumer once; stop the members first; send the rest of the key again, in order.',
  },
  LEASE_LOST: {
    meaning: 'The delivery, or the claim of its idempotency key, went to somebody else while the handler ran.',
    advice:
      'Nothing: whoever has it now goes on. If it happens often, raise `leaseMs` or find what blocks the process.',
  },
  FENCED: {
    meaning: 'Another process has taken over a transaction.',
    advice: 'Nothing: its work was not committed, and is done by the other.',
  },
  ABORTED: {
    meaning: 'A signal that was passed in was aborted.',
    advice: 'Of a send, `outcome` says whether it may have been sent.',
  },
  CLOSED: { meaning: 'The client, the consumer or the store is closed.', advice: 'Make a new one.' },
  UNKNOWN: {
    meaning: 'An error that the adapter does not know. Treated as passing.',
    advice: 'Look at `cause`: it has name, code and status of the original. Please report it.',
  },
};

/** The closed set of codes, whether the same call may succeed later, and what to do. */
export function errorTable(): string {
  return table(
    ['code', 'retryable', 'meaning', 'what to do'],
    Object.entries(advices).map(([code, { meaning, advice }]) => [
      `\`${code}\``,
      new AnymqError(code as ErrorCode, '').retryable ? 'yes' : 'no',
      meaning,
      advice,
    ]),
  );
}
