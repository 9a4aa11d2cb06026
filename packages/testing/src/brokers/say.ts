/** One line of progress on standard error. */
export type Say = (text: string) => void;

export const say: Say = (text) => {
  process.stderr.write(`anymq: ${text}\n`);
};

/** Says what begins, and how long it took. */
export async function timed<T>(tell: Say, what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  tell(`${what} …`);
  const result = await work();
  tell(`${what}: done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}
