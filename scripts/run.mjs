// node scripts/run.mjs [Node's options] FILE [arguments]: sets everything up, then runs FILE with the pinned Node.
import { runProgram } from './lib/run-program.mjs';
import { setUp } from './setup.mjs';

await setUp();
process.exitCode = await runProgram(process.argv.slice(2));
