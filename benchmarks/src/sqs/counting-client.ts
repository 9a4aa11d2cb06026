import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';

/** A client of the SDK's, and how many requests it has sent. */
export interface CountingClient {
  readonly client: SQSClient;
  readonly calls: () => number;
}

const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };

/** Of `sqs://region?endpoint=…`. Repeats are counted, as they are paid. */
export function countingClient(url: string): CountingClient {
  const { hostname: region, searchParams } = new URL(url);
  const endpoint = searchParams.get('endpoint');
  const config: SQSClientConfig = endpoint === null ? { region } : { region, endpoint, credentials };
  const client = new SQSClient(config);
  let calls = 0;
  client.middlewareStack.add(
    (next) => (args) => {
      calls += 1;
      return next(args);
    },
    // Behind the step that repeats what has failed.
    { step: 'finalizeRequest', priority: 'low' },
  );
  return { client, calls: () => calls };
}
