import { subscribe } from 'node:diagnostics_channel';
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';

/** A client of the SDK's, and how many requests this process has sent. */
export interface CountingClient {
  readonly client: SQSClient;
  readonly calls: () => number;
}

const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
let requests = 0;
subscribe('http.client.request.start', () => (requests += 1));

/** Requests over HTTP that this process has sent, by whatever client. Repeats are counted, as they are paid. */
export function requestsSent(): number {
  return requests;
}

/** Of `sqs://region?endpoint=…`. */
export function countingClient(url: string): CountingClient {
  const { hostname: region, searchParams } = new URL(url);
  const endpoint = searchParams.get('endpoint');
  const config: SQSClientConfig = endpoint === null ? { region } : { region, endpoint, credentials };
  return { client: new SQSClient(config), calls: requestsSent };
}
