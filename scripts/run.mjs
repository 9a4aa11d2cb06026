// node scripts/run.mjs [Node's options] FILE [arguments]: sets up, then runs FILE with the pinned Node,
// which reads the TypeScript sources directly.
import { handOver } from './lib/process.mjs';
import { pinnedNode, setUp } from './setup.mjs';

await setUp();
process.exitCode = await handOver(pinnedNode[24], ['--conditions=source', ...process.argv.slice(2)]);
