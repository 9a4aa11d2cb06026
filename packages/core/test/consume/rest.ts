import { settle as turn } from '../middleware/virtual-clock.ts';

export { deferred, ending, type Deferred } from '../middleware/virtual-clock.ts';

/** Everything that waits for nothing but promises has gone on, also where a loop gives others a turn. */
export async function settle(): Promise<void> {
  await turn();
  await turn();
  await turn();
}
