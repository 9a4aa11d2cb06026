import type { Capabilities } from '../capabilities.ts';
import { AnymqError } from '../errors.ts';

/** What works where the capability is missing: of those that a definition or a consumer asks for. */
const advice: Partial<Record<keyof Capabilities, string>> = {
  history: "Route it to a broker with history; 'earliest' can be had by provisioning the group before the first send.",
  transactions: 'Use idempotent() on the receiving side.',
  brokerFilter: 'Return from the handler where the headers do not match.',
};

/** @throws UNSUPPORTED, which says what would work instead. */
export function requireCapability<Name extends keyof Capabilities>(
  { name, capabilities }: { readonly name: string; readonly capabilities: Pick<Capabilities, Name> },
  capability: Name,
  option: string,
  instead: string | undefined = advice[capability],
): void {
  if (capabilities[capability]) return;
  throw new AnymqError(
    'UNSUPPORTED',
    `${option} needs the capability '${capability}', which ${name} does not have. ${instead}`,
    { driver: name, outcome: 'not-sent' },
  );
}
