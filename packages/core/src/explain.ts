import type { Capabilities, Limits } from './capabilities.ts';
import type { Config } from './client-types.ts';
import { loadConfig, type ResolvedConfig } from './config/load-config.ts';
import type { Destination } from './destination.ts';
import type { DriverModule } from './driver-interface.ts';
import { invalidOption } from './options.ts';

export interface ExplainOptions {
  readonly destinations: readonly Destination[];
  readonly from: string | Config;
  readonly to: string | Config;
  /** As for `connect`. */
  readonly drivers?: readonly DriverModule[] | undefined;
}
/** One sentence each. */
export interface Explanation {
  readonly destination: string;
  readonly keeps: readonly string[];
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

/** What a handler keeps, gains and loses when its destinations move. Opens no connection. @throws as `connect` does for its configuration */
export async function explain({ destinations, from, to, drivers }: ExplainOptions): Promise<readonly Explanation[]> {
  const [before, after] = await Promise.all([loadConfig(from, drivers), loadConfig(to, drivers)]);
  return destinations.map((destination) =>
    compare(destination, moduleOf(before, destination), moduleOf(after, destination)),
  );
}

function moduleOf(config: ResolvedConfig, { name }: Destination): DriverModule {
  const { broker } = config.route(name);
  const found = config.brokers.find((candidate) => candidate.name === broker);
  if (found === undefined) throw invalidOption(`The route of '${name}' leads to no broker.`);
  return found.module;
}

function compare(destination: Destination, from: DriverModule, to: DriverModule): Explanation {
  const keeps = guarantees(destination);
  const gains: string[] = [];
  const loses = unmet(destination, to);
  for (const [name, [having, without]] of Object.entries(capabilityWords) as [
    keyof Capabilities,
    readonly [string, string],
  ][]) {
    if (name === 'orderedScaleOut' && destination.ordering === 'none') continue;
    const [had, has] = [from.capabilities[name], to.capabilities[name]];
    if (had && has) keeps.push(having);
    if (!had && has) gains.push(having);
    if (had && !has) loses.push(without);
  }
  for (const { of, show, more, less } of bounds) {
    const [old, now] = [of(from.limits), of(to.limits)];
    if (now > old) gains.push(`${more} ${show(now)}, instead of ${show(old)}.`);
    if (now < old) loses.push(`${less(show(now))} Before: ${show(old)}.`);
  }
  return { destination: destination.name, keeps, gains, loses };
}

/** What holds on every broker. */
function guarantees({ kind, ordering }: Destination): string[] {
  return [
    'Confirmed sends: send resolves only after the broker has the message.',
    'Safe acknowledgement: only after the handler succeeded, so that a crash loses nothing.',
    'Retries, by the same policy and counted alike, then a dead letter with its reason; list, redrive and purge.',
    'Delays of sends and retries, from 0 to 7 days.',
    kind === 'queue' ? 'One consumer handles each message.' : 'Every group gets every message.',
    ...(ordering === 'none'
      ? []
      : ['Ordering: the messages of a key one at a time and in order, through retries and redeliveries.']),
  ];
}

/** Options of the destination itself that the new broker refuses. */
function unmet(destination: Destination, { capabilities, limits }: DriverModule): string[] {
  const { retentionMs, maxBytes } = destination;
  const groups = destination.kind === 'topic' ? [...destination.groups] : [];
  const filtered = groups.filter(([, { filter }]) => filter !== undefined).map(([name]) => name);
  const earliest = groups.filter(([, { startAt }]) => startAt === 'earliest').map(([name]) => name);
  return [
    !capabilities.history && retentionMs !== undefined
      ? `History that this destination asks for: retentionMs (${duration(retentionMs)}) fails with UNSUPPORTED. Leave it out, and handled messages are gone.`
      : '',
    !capabilities.history && earliest.length > 0
      ? `The start of groups: startAt: 'earliest' (${earliest.join(', ')}) fails with UNSUPPORTED. Provision the groups before the first send.`
      : '',
    !capabilities.brokerFilter && filtered.length > 0
      ? `Filters of groups: filter (${filtered.join(', ')}) fails with UNSUPPORTED. Filter in the handler.`
      : '',
    maxBytes !== undefined && maxBytes > limits.maxBodyBytes
      ? `Bodies as large as this destination allows: maxBytes (${size(maxBytes)}) fails with INVALID_OPTION. At most ${size(limits.maxBodyBytes)}.`
      : '',
  ].filter((sentence) => sentence !== '');
}

/** With the capability, and without it after having had it. */
const capabilityWords: { readonly [Name in keyof Capabilities]: readonly [string, string] } = {
  history: [
    "History: handled messages stay readable for retentionMs; seek and startAt: 'earliest' work.",
    "History: retentionMs, seek and startAt: 'earliest' fail with UNSUPPORTED.",
  ],
  priority: [
    'Priority of a message: priority of send.',
    'Priority of a message: priority of send fails with UNSUPPORTED.',
  ],
  expiry: [
    'Expiry of a message: expiresAfterMs of send.',
    'Expiry of a message: expiresAfterMs of send fails with UNSUPPORTED.',
  ],
  deduplication: [
    'Deduplication of sends: the broker drops a second send of one id.',
    'Deduplication of sends: a second send of one id arrives too. Use the middleware idempotent.',
  ],
  transactions: [
    'Transactions: read, process and write exactly once, by transaction: true.',
    'Transactions: transaction: true fails with UNSUPPORTED. Use the middleware idempotent.',
  ],
  exactBacklog: ['An exact backlog from inspect.', 'An exact backlog: inspect gives an estimate.'],
  nativeRedrive: [
    'Redrive by the broker itself.',
    'Redrive by the broker itself: the client moves the letters, one batch after the other.',
  ],
  brokerFilter: [
    'Filters of groups, applied by the broker.',
    'Filters of groups: filter fails with UNSUPPORTED. Filter in the handler.',
  ],
  orderedScaleOut: [
    'Scale-out in order: the partitions spread over the members of a group.',
    'Scale-out in order: one member at a time handles all of an ordered destination.',
  ],
};

interface Bound {
  readonly of: (limits: Limits) => number;
  readonly show: (value: number) => string;
  readonly more: string;
  readonly less: (now: string) => string;
}
const bounds: readonly Bound[] = [
  {
    of: ({ maxBodyBytes }) => maxBodyBytes,
    show: size,
    more: 'Larger bodies: up to',
    less: (now) => `Large bodies: above ${now} send fails with TOO_LARGE.`,
  },
  {
    of: ({ delay }) => delay.maxMs,
    show: duration,
    more: 'Longer delays without hops: up to',
    less: (now) => `Long delays without hops: beyond ${now} a message is put back and received again until it is due.`,
  },
  {
    of: ({ maxRunMs }) => maxRunMs,
    show: duration,
    more: 'Longer runs of a handler: up to',
    less: (now) => `Long runs of a handler: after ${now} (maxRunMs) its signal aborts and its outcome is dropped.`,
  },
];

function size(bytes: number): string {
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} bytes`;
}

/** In the largest unit that divides it. */
function duration(ms: number): string {
  if (ms === Infinity) return 'no bound';
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ] as const;
  const [unit, name] = units.find(([length]) => ms >= length && ms % length === 0) ?? ([1, 'ms'] as const);
  return `${ms / unit} ${name}`;
}
