import type { ClientOptions } from '../client-types.ts';
import type { ClientEvent } from '../events.ts';
import { silentLogger, type Logger } from '../logger.ts';

/** Where a client's events go: to the user's listener and, in a line each, to the user's logger. Neither can break the client. */
export interface Telemetry {
  readonly logger: Logger;
  emit(event: ClientEvent): void;
}

const silent: Telemetry = { logger: silentLogger, emit: () => undefined };

/** What tells of events is loaded where somebody listens. */
export async function openTelemetry({ logger, onEvent }: ClientOptions): Promise<Telemetry> {
  if (logger === undefined && onEvent === undefined) return silent;
  const { createTelemetry } = await import('./create-telemetry.ts');
  return createTelemetry(logger ?? silentLogger, onEvent);
}
