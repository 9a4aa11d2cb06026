import { Session } from 'node:inspector/promises';
import { type Frame, partOf } from './parts.ts';

/** By part: microseconds of processor time, or bytes allocated. */
export type ByPart = ReadonlyMap<string, number>;

/** Often enough for parts of a tenth of a microsecond in some ten thousand messages, and seldom enough not to be what is measured. */
const samplingMicroseconds = 100;
const samplingBytes = 4096;

/** Where the time of the work goes, by the sampling profiler. Idle time is left out. */
export async function timeByPart(work: () => Promise<void>): Promise<ByPart> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: samplingMicroseconds });
    await session.post('Profiler.start');
    await work();
    const { profile } = await session.post('Profiler.stop');
    const parts = new Map(profile.nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]));
    const sums = new Sums();
    for (const [index, id] of (profile.samples ?? []).entries()) {
      // A sample stands for the time until the next one.
      sums.add(parts.get(id) ?? '', profile.timeDeltas?.[index + 1] ?? 0);
    }
    sums.byPart.delete('idle');
    return sums.byPart;
  } finally {
    session.disconnect();
  }
}

interface AllocationNode {
  readonly callFrame: Frame;
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}

/** What the work allocates, by the sampling heap profiler; what was collected again meanwhile is counted too. */
export async function bytesByPart(work: () => Promise<void>): Promise<ByPart> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.enable');
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: samplingBytes,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    await work();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    const sums = new Sums();
    addAllocations(sums, profile.head);
    return sums.byPart;
  } finally {
    session.disconnect();
  }
}

/** What Node and V8 allocate is allocated for who called them. */
function addAllocations(sums: Sums, node: AllocationNode, caller: string = 'Node and V8'): void {
  const found = partOf(node.callFrame);
  const part = found === 'Node and V8' ? caller : found;
  sums.add(part, node.selfSize);
  for (const child of node.children) addAllocations(sums, child, part);
}

class Sums {
  readonly byPart: Map<string, number> = new Map();

  add(part: string, value: number): void {
    this.byPart.set(part, (this.byPart.get(part) ?? 0) + value);
  }
}
