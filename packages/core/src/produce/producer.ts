import type { Clock } from '../clock.ts';
import { AnymqError } from '../errors.ts';
import type { OutgoingMessage } from '../message.ts';
import type { Producer, Receipt, SendHandler, SendOptions, SendResult } from '../send-types.ts';
import type { Batcher } from './batcher.ts';
import { buildMessage, type MessageContext } from './build-message.ts';
import { aborted, closed, invalid } from './send-errors.ts';
import { markFailed, SendEntry, type SendCall } from './send-entry.ts';

export interface ProducerContext {
  readonly message: MessageContext;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly batcher: Batcher;
  /** Innermost handler → the user's chain. Undefined where there is no middleware. */
  readonly middleware: ((send: SendHandler) => SendHandler) | undefined;
  isClosed(): boolean;
  wrap(error: unknown): AnymqError;
}

type Options = SendOptions | undefined;
type Built = OutgoingMessage | AnymqError;

/** The public face of a batcher: builds messages, runs middleware, and gives each caller its own answer. */
export function createProducer(context: ProducerContext): Producer<unknown> {
  const { batcher, clock, middleware } = context;

  /** Hands a message over; its call is told once what became of it. */
  function submit(
    message: OutgoingMessage,
    call: SendCall,
    index: number,
    deadline: number,
    signal: AbortSignal | undefined,
  ): void {
    if (context.isClosed()) return call.onFailed(index, closed(false));
    if (signal === undefined) return batcher.add(new SendEntry(message, sizeOf(message), call, index, deadline));
    const watched = watch(call, signal, () => batcher.abandon(entry, aborted(entry.offered)));
    const entry = new SendEntry(message, sizeOf(message), watched, index, deadline);
    batcher.add(entry);
    if (signal.aborted) batcher.abandon(entry, aborted(false));
  }

  function submitOne(
    message: OutgoingMessage,
    signal: AbortSignal | undefined,
    failedKeys?: SendCall['failedKeys'],
    index = 0,
  ): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      submit(
        message,
        { onSent: (_, receipt) => resolve(receipt), onFailed: (_, error) => reject(error), failedKeys },
        index,
        clock.now() + context.timeoutMs,
        signal,
      );
    });
  }

  async function send(body: unknown, options?: Options): Promise<Receipt> {
    if (context.isClosed()) throw closed(false);
    const built = build(body, options, new Date(clock.now()));
    const message = built instanceof Promise ? await built : built;
    if (AnymqError.isInstance(message)) throw message;
    const signal = options?.signal;
    if (middleware === undefined) return submitOne(message, signal);
    return middleware((changed) => submitOne(changed, signal))(message);
  }

  function build(body: unknown, options: Options, time: Date): Built | Promise<Built> {
    try {
      const built = buildMessage(context.message, body, options, time);
      return built instanceof Promise ? built.catch(invalid) : built;
    } catch (error) {
      return invalid(error);
    }
  }

  async function sendMany(
    bodies: readonly unknown[],
    options?: Options | ((body: unknown, index: number) => SendOptions),
  ): Promise<readonly SendResult[]> {
    if (context.isClosed()) throw closed(false);
    if (!Array.isArray(bodies)) throw new AnymqError('INVALID_OPTION', 'sendMany takes an array of bodies.');
    const time = new Date(clock.now());
    const each = typeof options === 'function' ? optionsOfEach(bodies, options) : undefined;
    const optionsOf = (index: number): Options => (each === undefined ? (options as Options) : each[index]);
    const built = bodies.map((body: unknown, index) => build(body, optionsOf(index), time));
    const messages = built.some((item) => item instanceof Promise)
      ? await Promise.all(built.map(async (item) => item))
      : (built as readonly Built[]);
    const invalidOptions =
      typeof options === 'object'
        ? messages.find((item) => AnymqError.isInstance(item) && item.code === 'INVALID_OPTION')
        : undefined;
    if (invalidOptions !== undefined) throw invalidOptions as AnymqError;
    return deliver(messages, bodies, optionsOf);
  }

  function deliver(
    messages: readonly Built[],
    bodies: readonly unknown[],
    optionsOf: (index: number) => Options,
  ): Promise<readonly SendResult[]> {
    if (messages.length === 0) return Promise.resolve([]);
    const results: SendResult[] = Array.from({ length: messages.length });
    return new Promise((resolve) => {
      let missing = messages.length;
      const finish = (index: number, result: SendResult): void => {
        results[index] = result;
        if (--missing === 0) resolve(results);
      };
      const call: SendCall = {
        onSent: (index, receipt) => finish(index, { ok: true, receipt }),
        onFailed: (index, error) => finish(index, { ok: false, error }),
        failedKeys: undefined,
      };
      const deadline = clock.now() + context.timeoutMs;
      for (let index = 0; index < messages.length; index++) {
        const message = messages[index] as Built;
        if (!AnymqError.isInstance(message)) {
          const signal = optionsOf(index)?.signal;
          if (middleware === undefined) submit(message, call, index, deadline, signal);
          else submitThrough(middleware, message, call, index, signal);
          continue;
        }
        markFailed(call, keyOf(bodies[index], optionsOf(index)), index);
        call.onFailed(index, message);
      }
    });
  }

  function submitThrough(
    chain: (send: SendHandler) => SendHandler,
    message: OutgoingMessage,
    call: SendCall,
    index: number,
    signal: AbortSignal | undefined,
  ): void {
    call.failedKeys ??= new Map();
    const sent = (async () => chain((changed) => submitOne(changed, signal, call.failedKeys, index))(message))();
    sent.then(
      (receipt) => call.onSent(index, receipt),
      (error: unknown) => call.onFailed(index, context.wrap(error)),
    );
  }

  /** Of a message that could not be built: as well as it can be told. */
  function keyOf(body: unknown, options: Options): string | undefined {
    try {
      return options?.key ?? context.message.destination.key?.(body);
    } catch {
      return undefined;
    }
  }

  return { send, sendMany, flush: () => batcher.flush() };
}

function optionsOfEach(
  bodies: readonly unknown[],
  options: (body: unknown, index: number) => SendOptions,
): readonly SendOptions[] {
  try {
    return bodies.map(options);
  } catch (error) {
    throw new AnymqError('INVALID_OPTION', 'The function that gives the options of sendMany failed.', {
      cause: error,
      outcome: 'not-sent',
    });
  }
}

function watch(call: SendCall, signal: AbortSignal, onAbort: () => void): SendCall {
  const end = (): void => signal.removeEventListener('abort', onAbort);
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    onSent(index, receipt) {
      end();
      call.onSent(index, receipt);
    },
    onFailed(index, error) {
      end();
      call.onFailed(index, error);
    },
    get failedKeys() {
      return call.failedKeys;
    },
    set failedKeys(keys) {
      call.failedKeys = keys;
    },
  };
}

/** Body, key and headers: what counts towards a batch. Attributes are the driver's to add. */
function sizeOf(message: OutgoingMessage): number {
  let bytes = message.body.byteLength + (message.key?.length ?? 0);
  for (const name in message.headers) bytes += name.length + (message.headers[name] as string).length;
  return bytes;
}
