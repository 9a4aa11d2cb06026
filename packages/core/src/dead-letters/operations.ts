// What a dead-letter queue does, loaded when it is first asked for.
export { letters } from './list.ts';
export { purge } from './purge.ts';
export { redrive } from './redrive.ts';
export { countLetters, watch } from './watch.ts';
