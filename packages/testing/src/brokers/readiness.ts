import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerSpec } from './broker-spec.ts';
import type { Docker } from './run-command.ts';

const withinMs = 90_000;
const betweenProbesMs = 50;
const probesPerLook = 10;

/**
 * Resolves when the server in the container answers.
 *
 * @throws {Error} with its last lines, when the container ends before that or takes longer than a minute and a half
 */
export async function untilItAnswers(docker: Docker, id: string, spec: ContainerSpec, port: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (let probe = 1; ; probe++) {
    const problem = await spec.answers(port).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (problem === undefined) return;
    const late = Date.now() > deadline;
    if (late || (probe % probesPerLook === 0 && !(await isRunning(docker, id)))) {
      throw new Error(`${spec.image.folder} ${late ? 'does not answer' : 'ended'}:\n${await lastLines(docker, id)}`, {
        cause: problem,
      });
    }
    await delay(betweenProbesMs);
  }
}

async function isRunning(docker: Docker, id: string): Promise<boolean> {
  return (await docker(['inspect', '--format', '{{.State.Running}}', id])).stdout.trim() === 'true';
}

/** What the container said last; empty when it never ran. */
export async function lastLines(docker: Docker, id: string): Promise<string> {
  return (await docker(['logs', '--tail', '15', id])).output.trimEnd();
}
