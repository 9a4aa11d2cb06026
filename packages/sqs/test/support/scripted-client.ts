import type { AwsClient } from '@anymq/sqs';

type Input = Readonly<Record<string, unknown>>;
type Answer = (input: Input, signal: AbortSignal | undefined) => unknown;

export interface ScriptedCall {
  readonly name: string;
  readonly input: Input;
  readonly signal: AbortSignal | undefined;
}

/** A client that answers as the API references say that AWS does. */
export interface ScriptedClient extends AwsClient {
  readonly calls: readonly ScriptedCall[];
  of(name: string): readonly ScriptedCall[];
  /** From now on. What throws is the call's error. */
  on(name: string, answer: Answer): void;
}

export function scriptedClient(): ScriptedClient {
  const calls: ScriptedCall[] = [];
  const answers = new Map<string, Answer>([
    ['GetQueueUrl', ({ QueueName }) => ({ QueueUrl: `https://sqs.eu-west-1.amazonaws.com/1/${String(QueueName)}` })],
    ['ReceiveMessage', (_input, signal) => untilAborted(signal)],
    ['SendMessageBatch', allWell],
    ['DeleteMessageBatch', allWell],
    ['ChangeMessageVisibilityBatch', allWell],
    ['GetQueueAttributes', () => ({ Attributes: {} })],
    ['ListQueueTags', () => ({})],
  ]);
  return {
    calls,
    of: (name) => calls.filter((call) => call.name === name),
    on: (name, answer) => void answers.set(name, answer),
    async send(command: { readonly input: Input }, options) {
      const name = command.constructor.name.replace(/Command$/, '');
      calls.push({ name, input: command.input, signal: options?.abortSignal });
      const answer = answers.get(name);
      if (answer === undefined) throw new Error(`${name} is not scripted`);
      return answer(command.input, options?.abortSignal);
    },
    destroy() {},
  };
}

export interface Entry {
  readonly Id: string;
  readonly [field: string]: unknown;
}

export function entriesOf(input: Input): readonly Entry[] {
  return input['Entries'] as readonly Entry[];
}

function allWell(input: Input): unknown {
  return { Successful: entriesOf(input).map(({ Id }) => ({ Id })), Failed: [] };
}

/** Some entries of a batch fail, the call itself does not: `Failed` in the API references of the batch actions. */
export function failing(
  failures: Readonly<
    Record<string, { readonly Code: string; readonly SenderFault: boolean; readonly Message?: string }>
  >,
): Answer {
  return (input) => ({
    Successful: entriesOf(input).flatMap(({ Id }) => (failures[Id] === undefined ? [{ Id }] : [])),
    Failed: entriesOf(input).flatMap(({ Id }) => (failures[Id] === undefined ? [] : [{ Id, ...failures[Id] }])),
  });
}

/** As the SDK throws what AWS answered. */
export function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error('as AWS says'), { name, $fault: 'client', $metadata: { httpStatusCode } });
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(awsError('AbortError', 0)), { once: true });
  });
}

export interface RawOptions {
  readonly receives?: number;
  readonly group?: string;
}

export function rawMessage(id: string, { receives = 1, group }: RawOptions = {}): object {
  return {
    MessageId: id,
    ReceiptHandle: `receipt-${id}`,
    Body: '{}',
    Attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(Date.now()),
      ...(group === undefined ? {} : { MessageGroupId: group }),
    },
  };
}

/** Each receive brings one list; afterwards they wait. */
export function bringing(...lists: readonly (readonly object[])[]): Answer {
  const left = [...lists];
  return (_input, signal) => {
    const next = left.shift();
    return next === undefined ? untilAborted(signal) : { Messages: next };
  };
}
