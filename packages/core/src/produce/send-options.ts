import type { Destination } from '../destination.ts';
import { AnymqError } from '../errors.ts';
import type { SendOptions } from '../send-types.ts';

/** @throws INVALID_OPTION, where the user's function fails */
export function optionsOfEach(
  bodies: readonly unknown[],
  options: (body: unknown, index: number) => SendOptions,
): readonly SendOptions[] {
  try {
    return bodies.map(options);
  } catch (error) {
    throw new AnymqError('INVALID_OPTION', 'The function that gives the options of sendMany failed.', {
      cause: error,
      outcome: 'not-sent',
    });
  }
}

/** Of a message that could not be built: as well as it can be told. */
export function keyOf(destination: Destination, body: unknown, options: SendOptions | undefined): string | undefined {
  try {
    return options?.key ?? destination.key?.(body);
  } catch {
    return undefined;
  }
}
