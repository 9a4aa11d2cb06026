export { startBehindProxy, startClusterBehindProxy } from './behind-proxy.ts';
export type { BrokerBehindProxy } from './behind-proxy.ts';
export { startFaultProxy } from './fault-proxy.ts';
export type { FaultProxy, Latency, ProxyCounts } from './fault-proxy.ts';
export type { CutAfter, CutBeforeAnswer, CutManner, Direction } from './rules.ts';
