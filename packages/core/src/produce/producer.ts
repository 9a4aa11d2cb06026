import type { Clock } from '../clock.ts';
import { AnymqError } from '../errors.ts';
import type { OutgoingMessage } from '../message.ts';
import { invalidOption } from '../options.ts';
import type { Producer, Receipt, SendHandler, SendOptions, SendResult } from '../send-types.ts';
import type { Batcher } from './batcher.ts';
import { buildMessage, type MessageContext } from './build-message.ts';
import type { KeyTurns } from './key-turns.ts';
import { closed, invalid } from './send-errors.ts';
import { SendEntry, type SendCall } from './send-entry.ts';

export interface ProducerContext {
  readonly message: MessageContext;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly batcher: Batcher;
  /** Innermost handler → the user's chain. Undefined where there is no middleware. */
  readonly middleware: ((send: SendHandler) => SendHandler) | undefined;
  isClosed(): boolean;
  /** Never rejects. */
  wrap(error: unknown): Promise<AnymqError>;
}

type Options = SendOptions | undefined;
type EachOptions = Options | ((body: unknown, index: number) => SendOptions);
type Built = OutgoingMessage | AnymqError;

const importExtras = async () => import('./extras.ts');

/** The public face of a batcher: builds messages, runs middleware, and gives each caller its own answer. */
export function createProducer(context: ProducerContext): Producer<unknown> {
  const { batcher, clock, message: about, middleware } = context;
  const { destination } = about;
  let extras: Awaited<ReturnType<typeof importExtras>> | undefined;
  let loading: Promise<AnymqError | undefined> | undefined;
  /** For what takes its time before the batcher has it. */
  let turns: KeyTurns | undefined;

  /** What keys and options need is loaded once. From then on every send passes here, so that they keep their order. */
  function prepared(options: EachOptions): Promise<AnymqError | undefined> | undefined {
    if (options !== undefined || destination.key !== undefined || middleware !== undefined) loading ??= load();
    return loading;
  }

  /** Why it cannot be loaded; the next send tries again. */
  async function load(): Promise<AnymqError | undefined> {
    try {
      extras = await importExtras();
    } catch (cause) {
      loading = undefined;
      return new AnymqError('UNKNOWN', 'A part could not be loaded.', { cause, outcome: 'not-sent' });
    }
    batcher.useKeys(extras.KeyGate);
    turns = new extras.KeyTurns(destination);
    return undefined;
  }

  async function send(body: unknown, options?: Options): Promise<Receipt> {
    requireOpen();
    const ready = prepared(options);
    const trouble = ready && (await ready);
    if (trouble !== undefined) throw trouble;
    const built = build(body, options, new Date(clock.now()));
    const go = (message: Built, onHandedOver?: () => void): Promise<Receipt> => {
      if (AnymqError.isInstance(message)) throw message;
      return sendThrough(message, options?.signal, undefined, 0, onHandedOver);
    };
    if (middleware === undefined && !(built instanceof Promise)) return go(built);
    return inTurn([body], () => options, built, go);
  }

  async function sendMany(bodies: readonly unknown[], options?: EachOptions): Promise<readonly SendResult[]> {
    requireOpen();
    if (!Array.isArray(bodies)) throw invalidOption('sendMany takes an array of bodies.');
    const ready = prepared(options);
    const trouble = ready && (await ready);
    if (trouble !== undefined) return bodies.map(() => ({ ok: false, error: trouble }));
    const time = new Date(clock.now());
    const each = typeof options === 'function' ? extras?.optionsOfEach(bodies, options) : undefined;
    const optionsOf = (index: number): Options => (typeof options === 'function' ? each?.[index] : options);
    const built = bodies.map((body: unknown, index) => build(body, optionsOf(index), time));
    const go = (messages: readonly Built[], onHandedOver?: () => void): Promise<readonly SendResult[]> => {
      const refused = messages.find((item) => AnymqError.isInstance(item) && item.code === 'INVALID_OPTION');
      if (refused !== undefined && typeof options === 'object') throw refused as AnymqError;
      return deliver(messages, bodies, optionsOf, onHandedOver);
    };
    if (!built.some((item) => item instanceof Promise)) return go(built as readonly Built[]);
    return inTurn(bodies, optionsOf, Promise.all(built.map(async (item) => item)), go);
  }

  /** What takes its time is handed over in the order of the calls. */
  function inTurn<B, Result>(
    bodies: readonly unknown[],
    optionsOf: (index: number) => Options,
    built: B | Promise<B>,
    go: (built: B, onHandedOver?: () => void) => Promise<Result>,
  ): Promise<Result> {
    const run = async (onHandedOver?: () => void): Promise<Result> => go(await built, onHandedOver);
    return turns?.takeOf(bodies, optionsOf, run) ?? run();
  }

  function requireOpen(): void {
    if (context.isClosed()) throw closed(false);
  }

  function build(body: unknown, options: Options, time: Date): Built | Promise<Built> {
    try {
      const built = buildMessage(about, body, options, time, extras?.checkMessage);
      return built instanceof Promise ? built.catch(invalid) : built;
    } catch (error) {
      return invalid(error);
    }
  }

  function deliver(
    messages: readonly Built[],
    bodies: readonly unknown[],
    optionsOf: (index: number) => Options,
    onHandedOver?: () => void,
  ): Promise<readonly SendResult[]> {
    const results: SendResult[] = Array.from({ length: messages.length });
    if (messages.length === 0) return Promise.resolve(results);
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
        if (AnymqError.isInstance(message)) {
          batcher.keys?.markFailed(call, extras?.keyOf(destination, bodies[index], optionsOf(index)), index);
          call.onFailed(index, message);
        } else if (middleware === undefined || extras === undefined)
          submit(message, call, index, deadline, optionsOf(index)?.signal);
        else {
          call.failedKeys ??= new Map();
          extras.submitThrough(
            { turns, keys: batcher.keys, wrap: (error) => context.wrap(error) },
            { message, call, index },
            (onHandedOver) => sendThrough(message, optionsOf(index)?.signal, call.failedKeys, index, onHandedOver),
          );
        }
      }
      onHandedOver?.();
    });
  }

  function sendThrough(
    message: OutgoingMessage,
    signal: AbortSignal | undefined,
    failedKeys?: SendCall['failedKeys'],
    index = 0,
    onHandedOver?: () => void,
  ): Promise<Receipt> {
    const last: SendHandler = (changed) =>
      new Promise((resolve, reject) => {
        const call = {
          onSent: (_: number, receipt: Receipt) => resolve(receipt),
          onFailed: (_: number, error: AnymqError) => reject(error),
          failedKeys,
        };
        submit(changed, call, index, clock.now() + context.timeoutMs, signal);
        onHandedOver?.();
      });
    return (middleware === undefined ? last : middleware(last))(message);
  }

  /** Hands a message over; its call is told once what became of it. */
  function submit(
    message: OutgoingMessage,
    call: SendCall,
    index: number,
    deadline: number,
    signal: AbortSignal | undefined,
  ): void {
    if (context.isClosed()) return call.onFailed(index, closed(false));
    const entry = new SendEntry(message, call, index, deadline);
    if (signal === undefined || extras === undefined) batcher.add(entry);
    else extras.addWatched(batcher, entry, signal);
  }

  return { send, sendMany, flush: () => batcher.flush() };
}
