// What a producer loads with its first key, options or middleware; a plain one does without.
export { addWatched } from './add-watched.ts';
export { checkMessage } from './check-message.ts';
export { KeyGate } from './key-gate.ts';
export { KeyTurns } from './key-turns.ts';
export { keyOf, optionsOfEach } from './send-options.ts';
export { submitThrough } from './submit-through.ts';
