import { fetchVersion, readFetchAnswer } from './fetch-answer.ts';
import type { Broker } from './protocol.ts';

/** How kafkajs's broker finds the form of a request. */
interface RequestLookup {
  lookupRequest(apiKey: number, definition: unknown): (options: object) => Exchange;
}

interface Exchange {
  readonly request: { readonly apiVersion: number };
  readonly response: { decode(raw: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> };
}

const known = new WeakMap<Broker, Broker>();

/**
 * The same broker, of which fetched records are read as they lie: kafkajs makes a dozen objects of each, and copies what it
 * has read of the headers again for every one of them, which is most of what a message costs. A client that finds its
 * requests in another way reads by itself.
 */
export function fetchingBroker(broker: Broker): Broker {
  if (typeof (broker as Partial<RequestLookup>).lookupRequest !== 'function') return broker;
  const found = known.get(broker);
  if (found !== undefined) return found;
  const made = Object.assign(Object.create(broker) as Broker, createLookup(broker as Broker & RequestLookup));
  known.set(broker, made);
  return made;
}

/** The broker has another lookup after each time it connects. */
function createLookup(broker: RequestLookup): RequestLookup {
  return {
    lookupRequest(apiKey, definition) {
      const form = broker.lookupRequest(apiKey, definition);
      return (options) => readingItself(form(options));
    },
  };
}

function readingItself(exchange: Exchange): Exchange {
  const { request, response } = exchange;
  if (request.apiVersion !== fetchVersion) return exchange;
  const decode = async (raw: Buffer): Promise<unknown> => readFetchAnswer(raw) ?? response.decode(raw);
  return { ...exchange, response: { ...response, decode } };
}
