import type { AwsClient } from '@anymq/sqs';
import { SQSClient } from '@aws-sdk/client-sqs';

/** A client that counts its calls, by the name of the command. */
export interface CountingClient extends AwsClient {
  readonly calls: Map<string, number>;
}

export function countingClient(endpoint: string, region: string): CountingClient {
  const credentials = { accessKeyId: 'anymq', secretAccessKey: 'anymq' };
  const inner = new SQSClient({ endpoint, region, credentials });
  const calls = new Map<string, number>();
  return {
    calls,
    send(command: object, options) {
      const name = command.constructor.name.replace(/Command$/, '');
      calls.set(name, (calls.get(name) ?? 0) + 1);
      return inner.send(command as never, options);
    },
    destroy: () => inner.destroy(),
  };
}
