import type { ClientEvent } from '../events.ts';
import type { Logger, LogFields } from '../logger.ts';
import type { Telemetry } from './telemetry.ts';

const levels: Partial<Record<ClientEvent['type'], 'debug' | 'info' | 'warn'>> = {
  provisioned: 'info',
  'consumer-state': 'info',
  retry: 'debug',
  joined: 'debug',
};

export function createTelemetry(logger: Logger, listener: ((event: ClientEvent) => void) | undefined): Telemetry {
  const guarded = guard(logger);
  return {
    logger: guarded,
    emit(event) {
      try {
        listener?.(event);
      } catch {
        guarded.error('anymq: onEvent threw', { type: event.type });
      }
      guarded[levels[event.type] ?? 'warn'](`anymq: ${event.type}`, fieldsOf(event));
    },
  };
}

function guard(logger: Logger): Logger {
  const call = (level: keyof Logger): Logger[typeof level] => {
    return (message, fields) => {
      try {
        logger[level](message, fields);
      } catch {
        // There is nobody left to tell.
      }
    };
  };
  return { debug: call('debug'), info: call('info'), warn: call('warn'), error: call('error') };
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
