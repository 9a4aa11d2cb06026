import type { Capabilities, Limits } from '@anymq/core/driver';
import type { Broker } from './broker.ts';
import type { Connection } from './connection.ts';

/** What the parts of one driver share. */
export interface DriverContext {
  readonly broker: Broker;
  readonly connection: Connection;
  readonly namespace: string;
  readonly limits: Limits;
  readonly capabilities: Capabilities;
}
