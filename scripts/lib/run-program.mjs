import { pinnedNode } from '../setup.mjs';
import { handOver } from './process.mjs';

/**
 * Runs a program with the pinned Node, which reads the TypeScript sources directly.
 *
 * @param {readonly string[]} args Node's options, the program's file, its arguments
 * @param {NodeJS.ProcessEnv} [env] what it gets beside this process's own environment
 * @returns {Promise<number>} its exit code
 */
export function runProgram(args, env = {}) {
  return handOver(pinnedNode[24], ['--conditions=source', ...args], { env: { ...process.env, ...env } });
}
