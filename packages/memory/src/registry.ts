import type { Clock } from '@anymq/core/driver';
import { Broker, type MemoryBroker } from './broker.ts';

// On the global object, so that two copies of this package in one process share their brokers.
const registryKey: unique symbol = Symbol.for('anymq.memory.brokers.1') as never;

function brokers(): Map<string, Broker> {
  const holder = globalThis as { [registryKey]?: Map<string, Broker> };
  return (holder[registryKey] ??= new Map());
}

/** The broker behind `memory:NAME`, made when it is first asked for. It lives as long as the process. */
export function sharedMemoryBroker(name: string): MemoryBroker | undefined {
  return brokers().get(name);
}

/** The clock counts when the broker is made now. */
export function openSharedBroker(name: string, clock: Clock): Broker {
  const existing = brokers().get(name);
  if (existing !== undefined) return existing;
  const made = new Broker(clock);
  brokers().set(name, made);
  return made;
}
