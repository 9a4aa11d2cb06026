import { UsageError } from './arguments.ts';

/** What collects garbage at once. @throws UsageError */
export function collector(): () => void {
  const { gc } = globalThis;
  if (gc === undefined) throw new UsageError('Node has to run with --expose-gc, as `npm run bench` does it.');
  return () => gc();
}
