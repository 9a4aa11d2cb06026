import { batches } from './cases/batch.ts';
import { consumingCapabilities } from './cases/capability-consuming.ts';
import { history } from './cases/capability-history.ts';
import { refusals } from './cases/capability-refusals.ts';
import { sendingCapabilities } from './cases/capability-sending.ts';
import { driverItself } from './cases/d-driver.ts';
import { messages } from './cases/d-messages.ts';
import { receiving } from './cases/d-receiver.ts';
import { confirmedSends } from './cases/g01-confirmed-sends.ts';
import { sendLifetime } from './cases/g01-send-lifetime.ts';
import { crash } from './cases/g02-crash.ts';
import { settling } from './cases/g02-settling.ts';
import { outcomes } from './cases/g03-outcomes.ts';
import { retry } from './cases/g03-retry.ts';
import { killers } from './cases/g04-killers.ts';
import { foreign } from './cases/g05-foreign.ts';
import { undecodable } from './cases/g05-undecodable.ts';
import { letterList } from './cases/g06-list.ts';
import { letterRecord } from './cases/g06-record.ts';
import { redrive } from './cases/g06-redrive.ts';
import { groups } from './cases/g07-groups.ts';
import { handover } from './cases/g08-handover.ts';
import { order } from './cases/g08-order.ts';
import { concurrency } from './cases/g09-concurrency.ts';
import { delays } from './cases/g10-delays.ts';
import { lease } from './cases/g11-lease.ts';
import { lifecycle } from './cases/g12-lifecycle.ts';
import { stop } from './cases/g12-stop.ts';
import { recovery } from './cases/g13-recovery.ts';
import { attributes } from './cases/g14-attributes.ts';
import { bodyBytes } from './cases/g14-bodies.ts';
import { idempotency } from './cases/g15-idempotency.ts';
import { boundedMemory } from './cases/g16-memory.ts';
import { middleware } from './cases/middleware.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** Every case of the suite. Those that take longest come first, so that the others run beside them. */
export const allCases: readonly ConformanceCase[] = [
  ...killers,
  ...lease,
  ...delays,
  ...receiving,
  ...messages,
  ...driverItself,
  ...confirmedSends,
  ...sendLifetime,
  ...crash,
  ...settling,
  ...retry,
  ...outcomes,
  ...undecodable,
  ...foreign,
  ...letterRecord,
  ...letterList,
  ...redrive,
  ...groups,
  ...order,
  ...handover,
  ...concurrency,
  ...stop,
  ...lifecycle,
  ...recovery,
  ...bodyBytes,
  ...attributes,
  ...idempotency,
  ...boundedMemory,
  ...batches,
  ...middleware,
  ...history,
  ...sendingCapabilities,
  ...consumingCapabilities,
  ...refusals,
];
