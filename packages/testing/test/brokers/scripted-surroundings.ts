import type { CommandResult } from '../../src/brokers/run-command.ts';
import type { Surroundings } from '../../src/brokers/surroundings.ts';

export interface Script {
  /** The images that are there, until others are built or pulled. */
  readonly images?: readonly string[];
  /** What the n-th `docker version` ends with; the last goes on. Default: 0. */
  readonly version?: readonly number[];
  /** How pulling ends. Default: a registry gives everything. */
  readonly pull?: CommandResult;
  /** The program of the machine that fails. */
  readonly failing?: string;
  readonly getGoing?: string;
}

/** A machine that does what the script says, and notes what it was asked. */
export function scripted(script: Script): Surroundings & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  const images = new Set(script.images);
  const versions = [...(script.version ?? [0])];
  const note = (line: string): void => void asked.push(line);
  return {
    asked,
    say: () => {},
    getGoing: async (need) => {
      note(`get ${need}`);
      return script.getGoing;
    },
    run: async (command, args) => {
      note([command, ...args].join(' '));
      return [command, ...args].includes(script.failing ?? '') ? failed('no') : succeeded;
    },
    docker: async ([verb, ...args]) => {
      if (verb === 'version')
        return (versions.length > 1 ? versions.shift() : versions[0]) === 0 ? succeeded : failed('no daemon');
      if (verb === 'image') return images.has(args.at(-1) ?? '') ? succeeded : failed('no such image');
      note(verb === 'build' ? 'docker build' : `docker ${verb} ${args[0]}`);
      if (verb === 'pull' && script.pull !== undefined) return script.pull;
      return succeeded;
    },
  };
}

export function failed(output: string, code = 1): CommandResult {
  return { code, stdout: '', output };
}

const succeeded: CommandResult = { code: 0, stdout: '', output: '' };
