import type { SettleResult } from './driver-interface.ts';

// One of each is enough, however many messages are settled.
export const settled: SettleResult = Object.freeze({ ok: true });
export const lost: SettleResult = Object.freeze({ ok: false, reason: 'lost' });
