/** Values that are safe in a log line: never a payload, a header or a credential. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The shape of `console`: text, then fields (pino takes them the other way round). Silent by default. Must not throw. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const ignore = (): void => undefined;
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
