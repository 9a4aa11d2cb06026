import type { Capabilities } from '../capabilities.ts';
import { AnymqError } from '../errors.ts';

/** What works where the capability is missing. */
const instead: Partial<Record<keyof Capabilities, string>> = {
  history: "Route it to a broker with history; 'earliest' can be had by provisioning the group before the first send.",
  priority: 'Send urgent messages to a queue of their own.',
  expiry: 'Compare message.time in the handler.',
  transactions: 'Use idempotent() on the receiving side.',
  brokerFilter: 'Return from the handler where the headers do not match.',
};

/** @throws UNSUPPORTED, which says what would work instead. */
export function requireCapability<Name extends keyof Capabilities>(
  { name, capabilities }: { readonly name: string; readonly capabilities: Pick<Capabilities, Name> },
  capability: Name,
  option: string,
): void {
  if (capabilities[capability]) return;
  throw new AnymqError(
    'UNSUPPORTED',
    `${option} needs the capability '${capability}', which ${name} does not have. ${instead[capability]}`,
    { driver: name, outcome: 'not-sent' },
  );
}
