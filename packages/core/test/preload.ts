import { loadParts } from '../src/load-parts.ts';

/** What is loaded when it is first needed: here before a test tells time to pass. A test may have taken a part away. */
export async function preload(): Promise<void> {
  await Promise.allSettled([loadParts()]);
}
