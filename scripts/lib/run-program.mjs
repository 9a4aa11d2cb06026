import { pinnedNode } from '../setup.mjs';
import { handOver } from './process.mjs';

/**
 * Runs a program with the pinned Node, which reads the TypeScript sources directly.
 *
 * @param {readonly string[]} args Node's options, the program's file, its arguments
 * @returns {Promise<number>} its exit code
 */
export function runProgram(args) {
  return handOver(pinnedNode[24], ['--conditions=source', ...args]);
}
