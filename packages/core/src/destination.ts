import { json, type Codec } from './codec.ts';
import type { HeaderFilter } from './driver-interface.ts';
import { invalidOption, readNumbers, requireKnown, requireOneOf, shown } from './options.ts';
import type { StandardSchemaV1 } from './schema.ts';

export interface DefinitionOptions<In, Out> {
  /** Any Standard Schema. `send` validates and transmits what it was given; a handler receives the parsed output. */
  readonly schema?: StandardSchemaV1<In, Out> | undefined;
  /** `json` by default. Also exported: `text`, `bytes`. */
  readonly codec?: Codec<In> | undefined;
  /** The ordering (and partitioning) key of a body. At most 256 bytes of UTF-8. */
  readonly key?: ((body: In) => string | undefined) | undefined;
  /** 'none' by default. 'key' needs `key`; messages of one key are then handled one at a time, in publish order. */
  readonly ordering?: 'none' | 'key' | undefined;
  /** How long handled messages stay readable, in milliseconds from 1,000; undefined: no history. Needs the capability `history`. */
  readonly retentionMs?: number | undefined;
  /** Parallelism of an ordered destination, and Kafka's partitions: 1 to 256, 8 by default. */
  readonly partitions?: number | undefined;
  /** Largest body accepted by `send`. The driver's `limits.maxBodyBytes` by default, and never above it. */
  readonly maxBytes?: number | undefined;
  /** CloudEvents `type`. The destination's name by default. */
  readonly type?: string | ((body: In) => string) | undefined;
}

export interface GroupOptions {
  /** Needs the capability `brokerFilter`. */
  readonly filter?: HeaderFilter | undefined;
  /** Where the group begins when it is made: 'latest' by default. 'earliest' needs the capability `history`. */
  readonly startAt?: 'earliest' | 'latest' | undefined;
}

export interface TopicOptions<In, Out, Group extends string> extends DefinitionOptions<In, Out> {
  /** Groups made by `provision`. A group that is not listed is made by its consumer's first `start`. */
  readonly groups?: readonly Group[] | { readonly [G in Group]: GroupOptions } | undefined;
}

/** A function of a body, compared as methods are: a destination of orders is also a destination of anything, for calls that send no body. */
type OfBody<In, Result> = { of(body: In): Result }['of'];

interface Definition<In, Out> {
  readonly name: string;
  readonly schema: StandardSchemaV1<In, Out> | undefined;
  readonly codec: Codec<In>;
  readonly key: OfBody<In, string | undefined> | undefined;
  readonly ordering: 'none' | 'key';
  readonly retentionMs: number | undefined;
  readonly partitions: number;
  readonly maxBytes: number | undefined;
  readonly type: string | OfBody<In, string>;
}

/** A point-to-point destination: each message is handled by one consumer, then gone. */
export interface Queue<In = unknown, Out = In> extends Definition<In, Out> {
  readonly kind: 'queue';
}
/** A publish/subscribe destination: every group gets its own copy of every message. */
export interface Topic<In = unknown, Out = In, Group extends string = string> extends Definition<In, Out> {
  readonly kind: 'topic';
  readonly groups: ReadonlyMap<Group, GroupOptions>;
}
export type Destination<In = unknown, Out = In> = Queue<In, Out> | Topic<In, Out>;

const others = ['schema', 'codec', 'key', 'ordering', 'type'];
const numbers = {
  retentionMs: { min: 1000, max: Number.MAX_SAFE_INTEGER },
  partitions: { standard: 8, min: 1, max: 256, integer: true },
  maxBytes: { min: 0, max: Number.MAX_SAFE_INTEGER },
} as const;

/** @throws INVALID_OPTION. A name matches `^[a-z0-9]+(-[a-z0-9]+)*$` and has at most 32 characters. */
export function defineQueue<In, Out = In>(name: string, options: DefinitionOptions<In, Out> = {}): Queue<In, Out> {
  return Object.freeze({ kind: 'queue', ...define(name, options, 'defineQueue', others) });
}

/** @throws INVALID_OPTION. Names as for queues; group names have at most 20 characters. */
export function defineTopic<In, Out = In, Group extends string = string>(
  name: string,
  options: TopicOptions<In, Out, Group> = {},
): Topic<In, Out, Group> {
  const definition = define(name, options, 'defineTopic', [...others, 'groups']);
  return Object.freeze({ kind: 'topic', ...definition, groups: groupsOf(options.groups) });
}

/** @throws INVALID_OPTION */
export function requireName(what: 'destination' | 'group' | 'namespace', name: unknown): string {
  const maxLength = { destination: 32, group: 20, namespace: 16 }[what];
  if (typeof name === 'string' && name.length <= maxLength && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return name;
  throw invalidOption(
    `A ${what} name is lower-case letters and digits in parts joined by '-', at most ${maxLength} characters; got ${shown(name)}.`,
  );
}

function define<In, Out>(
  name: string,
  options: DefinitionOptions<In, Out>,
  by: string,
  known: readonly string[],
): Definition<In, Out> {
  const read = readNumbers(by, options, numbers, known);
  requireName('destination', name);
  const ordering = requireOneOf('ordering', options.ordering ?? 'none', ['none', 'key']);
  if (ordering === 'key' && options.key === undefined) {
    throw invalidOption(`ordering: 'key' of '${name}' needs key: (body) => string.`);
  }
  return {
    name,
    schema: options.schema,
    codec: options.codec ?? (json as Codec<In>),
    key: options.key,
    ordering,
    ...read,
    type: options.type ?? name,
  };
}

function groupsOf<Group extends string>(
  groups: TopicOptions<unknown, unknown, Group>['groups'],
): ReadonlyMap<Group, GroupOptions> {
  const entries: readonly (readonly [Group, GroupOptions])[] = Array.isArray(groups)
    ? (groups as readonly Group[]).map((name) => [name, {}] as const)
    : (Object.entries(groups ?? {}) as [Group, GroupOptions][]);
  const made = new Map<Group, GroupOptions>();
  for (const [name, options] of entries) {
    requireName('group', name);
    if (made.has(name)) throw invalidOption(`The group '${name}' is listed twice.`);
    requireKnown(`The group '${name}'`, options, ['filter', 'startAt']);
    made.set(name, options);
  }
  return made;
}
