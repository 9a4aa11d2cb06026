// npm run brokers -- up | down | status [--json] [names…]: brokers in containers for a person, until down removes them.
import { fileURLToPath } from 'node:url';
import { joinDocker, releaseDocker } from './lib/docker.mjs';
import { runProgram } from './lib/run-program.mjs';
import { setUp } from './setup.mjs';

const program = fileURLToPath(new URL('lib/docker-brokers.mjs', import.meta.url));

await setUp();
joinDocker();
process.exitCode = await runProgram([program, ...process.argv.slice(2)], {
  ANYMQ_DOCKER_HOOK: fileURLToPath(new URL('lib/docker.mjs', import.meta.url)),
});
await releaseDocker();
