/** The options that `connect` and `createClient` know. */
export const clientOptions: readonly string[] = ['drivers', 'logger', 'onEvent', 'signal', 'clock', 'random', 'source'];
