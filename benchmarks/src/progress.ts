const everyMs = 15_000;
let told = performance.now();

/** One line that replaces itself, where somebody looks; in a log a line now and then. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
  else if (text !== '' && performance.now() - told > everyMs) {
    told = performance.now();
    process.stderr.write(`… ${text}\n`);
  }
}
