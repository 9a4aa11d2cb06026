// npm run demo: sets up, then runs the online store with the arguments given.
import { join } from 'node:path';
import { runProgram } from './lib/run-program.mjs';
import { root, setUp } from './setup.mjs';

const args = process.argv.slice(2);

// Another broker than the one in memory needs its adapter's client as well.
const namesBroker = args.some((argument) => argument.startsWith('--broker'));

await setUp(namesBroker ? 'all' : 'run');
process.exitCode = await runProgram([join(root, 'examples', 'online-store', 'src', 'main.ts'), ...args]);
