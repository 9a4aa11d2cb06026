// npm run bench -- [SUITE …] [options]: sets up, then measures, on brokers in containers that it starts and removes itself.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { joinDocker, releaseDocker } from './lib/docker.mjs';
import { runProgram } from './lib/run-program.mjs';
import { pnpm, root, setUp } from './setup.mjs';

await setUp();
joinDocker();
process.exitCode = await runProgram(
  ['--expose-gc', join(root, 'benchmarks', 'src', 'main.ts'), ...process.argv.slice(2)],
  { ANYMQ_DOCKER_HOOK: fileURLToPath(new URL('lib/docker.mjs', import.meta.url)), ANYMQ_PNPM: pnpm },
);
await releaseDocker();
