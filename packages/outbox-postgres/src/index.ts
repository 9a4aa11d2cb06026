export { outbox } from './outbox.ts';
export type { Outbox, OutboxInspection, OutboxOptions, RelayOptions, StuckMessage } from './outbox.ts';
export type { Relay } from './relay.ts';
