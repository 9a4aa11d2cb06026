import type { Group } from './conformance-case.ts';

/** What each group shows, in the order in which they are reported. */
export const groupTitles: Readonly<Record<Group, string>> = {
  D: 'D the driver interface keeps its word',
  G1: 'G1 send resolves only after the broker confirmed',
  G2: 'G2 a message is acknowledged only after its handler succeeded; a crash loses nothing',
  G3: 'G3 a failing message runs exactly maxAttempts times, then is dead-lettered once',
  G4: 'G4 a message that kills its process is set aside, its neighbours are not',
  G5: 'G5 an undecodable message is dead-lettered on receipt, what follows flows',
  G6: 'G6 a dead letter keeps everything, redrive restores it exactly',
  G7: 'G7 every group gets every message, inside a group one member at a time',
  G8: 'G8 one key is handled in publish order, one at a time',
  G9: 'G9 concurrency is never exceeded, a slow message holds up nobody',
  G10: 'G10 delays arrive not before their time, and at most 1 s + 2 % after it',
  G11: 'G11 a handler that runs longer than the lease keeps it',
  G12: 'G12 stop lets handlers finish, releases the rest, and charges nobody',
  G13: 'G13 clients go on after an outage, and never die in silence',
  G14: 'G14 bodies and headers arrive as sent, up to the limits',
  G15: 'G15 with idempotent, a completed key never runs again',
  G16: 'G16 memory is bounded by what is in flight',
  batch: 'batch consumers: partial outcomes, one by one after a throw',
  middleware: 'middleware sees and changes what it should',
  history: 'capability history',
  priority: 'capability priority',
  expiry: 'capability expiry',
  deduplication: 'capability deduplication',
  transactions: 'capability transactions',
  exactBacklog: 'capability exactBacklog',
  nativeRedrive: 'capability nativeRedrive',
  brokerFilter: 'capability brokerFilter',
  orderedScaleOut: 'capability orderedScaleOut',
};

export const allGroups: readonly Group[] = Object.keys(groupTitles) as Group[];
