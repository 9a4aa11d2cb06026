import type { ClientEvent } from '../events.ts';
import type { Logger, LogFields } from '../logger.ts';

/** Where a client's events go: to the user's listener and, in a line each, to the user's logger. Neither can break the client. */
export interface Telemetry {
  readonly logger: Logger;
  emit(event: ClientEvent): void;
}

const levels: Partial<Record<ClientEvent['type'], 'debug' | 'info' | 'warn'>> = {
  provisioned: 'info',
  'consumer-state': 'info',
  retry: 'debug',
  joined: 'debug',
};

export function createTelemetry(logger: Logger, listener: ((event: ClientEvent) => void) | undefined): Telemetry {
  return {
    logger,
    emit(event) {
      try {
        listener?.(event);
      } catch {
        logger.error('anymq: onEvent threw', { type: event.type });
      }
      logger[levels[event.type] ?? 'warn'](`anymq: ${event.type}`, fieldsOf(event));
    },
  };
}

function fieldsOf(event: ClientEvent): LogFields {
  const fields: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(event)) {
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
    else if (Array.isArray(value)) fields[name] = value.join(', ');
    else if (typeof value === 'object' && value !== null)
      Object.assign(fields, { errorName: value.name, errorCode: value.code });
  }
  return fields;
}
