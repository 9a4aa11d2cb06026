import { docker, runCommand } from './run-command.ts';
import type { Docker, RunCommand } from './run-command.ts';
import { say } from './say.ts';
import type { Say } from './say.ts';

/** What resolving an image needs of the machine. Tests pass a scripted one. */
export interface Surroundings {
  readonly docker: Docker;
  readonly run: RunCommand;
  readonly say: Say;
  /**
   * Gets Docker, debootstrap or Maven going where that is allowed. Returns why it could not, and undefined when it is there, or
   * when nobody said how to get it: then what needs it finds out by itself.
   */
  readonly getGoing: (need: 'docker' | 'debootstrap' | 'maven') => Promise<string | undefined>;
}

export const surroundings: Surroundings = { docker, run: runCommand, say, getGoing: runHook };

/**
 * The workspace's own tests say in ANYMQ_DOCKER_HOOK which script installs and starts Docker: it gets the need as its
 * argument, and says on standard output why it failed.
 */
async function runHook(need: string): Promise<string | undefined> {
  const hook = process.env['ANYMQ_DOCKER_HOOK'];
  if (hook === undefined) return undefined;
  const { code, stdout } = await runCommand(process.execPath, [hook, need], { errors: 'show' });
  return code === 0 ? undefined : stdout.trim();
}
