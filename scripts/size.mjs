// node scripts/run.mjs scripts/size.mjs: what a plain program loads of the built @anymq/core, minified and compressed with
// brotli; fails above the limit, and when the program, lib/size-program.mjs, needs a part that was left out as loaded later.
// docs/adr/0004 says what counts.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { capture } from './lib/process.mjs';

const limitBytes = 15_800;

const dist = fileURLToPath(new URL('../packages/core/dist', import.meta.url));
const atOnce = await bundle(() => true);
const failing = await bundle((path) => !path.includes('outcomes'));
const whole = await bundle(() => false);
await requireEnough(atOnce, 'all goes well');
await requireEnough(failing, 'some fail');
const size = sizeOf(atOnce);
console.log(
  `Size: ${kilobytes(size)} of at most ${kilobytes(limitBytes)}; ${kilobytes(sizeOf(failing))} when a message has failed; ${kilobytes(sizeOf(whole))} with all parts`,
);
process.exitCode = size <= limitBytes ? 0 : 1;

/**
 * Core for connect, a producer and a consumer, in one file.
 *
 * @param {(path: string) => boolean} isLeftOut of the parts that are imported when they are needed
 */
async function bundle(isLeftOut) {
  const { outputFiles } = await build({
    stdin: { contents: "export { connect, defineQueue, defineTopic } from './index.js';", resolveDir: dist },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    write: false,
    plugins: [
      {
        name: 'later',
        setup(plugin) {
          plugin.onResolve({ filter: /^\./ }, ({ kind, path }) =>
            kind === 'dynamic-import' && isLeftOut(path) ? { path, external: true } : undefined,
          );
        },
      },
    ],
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild made no file.');
  return file.contents;
}

/**
 * Runs the program on the bundle, where nothing else can be found.
 *
 * @param {Uint8Array} core
 * @param {'all goes well' | 'some fail'} story
 */
async function requireEnough(core, story) {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-size-'));
  try {
    const adapter = join(folder, 'node_modules', '@anymq', 'memory');
    mkdirSync(adapter, { recursive: true });
    writeFileSync(join(adapter, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    cpSync(fileURLToPath(new URL('lib/size-driver.mjs', import.meta.url)), join(adapter, 'index.js'));
    cpSync(fileURLToPath(new URL('lib/size-program.mjs', import.meta.url)), join(folder, 'program.mjs'));
    writeFileSync(join(folder, 'core.mjs'), core);
    const { code, output } = await capture(process.execPath, ['program.mjs', story], { cwd: folder });
    if (code !== 0) throw new Error(`A plain program needs more than what was counted, or it failed:\n${output}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {Uint8Array} file */
function sizeOf(file) {
  return brotliCompressSync(file).length;
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(2)} kB`;
}
