// npm run faults -- [DRIVER …] [options]: breaks processes, brokers and networks on purpose; --help lists the options.
import { fileURLToPath } from 'node:url';
import { joinDocker, releaseDocker } from './lib/docker.mjs';
import { runProgram } from './lib/run-program.mjs';
import { root, setUp } from './setup.mjs';

await setUp();
joinDocker();
process.exitCode = await runProgram([`${root}faults/src/main.ts`, ...process.argv.slice(2)], {
  ANYMQ_DOCKER_HOOK: fileURLToPath(new URL('lib/docker.mjs', import.meta.url)),
});
await releaseDocker();
