import type { ImageSpec } from './broker-spec.ts';
import { localTag } from './image-recipe.ts';
import { buildLocalImage, hasImage } from './local-image.ts';
import { surroundings } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

// A registry that answers begins to do so well within this; one that is blocked must not hold up every run.
const registryWithinMs = 15_000;

/** A broker cannot be had on this machine, and why. */
export class BrokerUnavailableError extends Error {
  override readonly name = 'BrokerUnavailableError';
}

/**
 * The image to run, in this order: the official one if Docker has it, the local one if it has been built, the official one
 * from a registry, the local one built now.
 *
 * @throws {BrokerUnavailableError} when none of these is to be had
 */
export async function resolveImage(image: ImageSpec, around: Surroundings = surroundings): Promise<string> {
  await requireDocker(around);
  for (const name of [image.official, localTag(image)]) if (await hasImage(name, around)) return name;
  const pullProblem = await pull(image.official, around);
  if (pullProblem === undefined) return image.official;
  around.say(`no registry gives ${image.official} (${pullProblem})`);
  try {
    return await buildLocalImage(image, around);
  } catch (error) {
    const buildProblem = error instanceof Error ? error.message : String(error);
    throw new BrokerUnavailableError(
      `No registry gives ${image.official} (${pullProblem}), and it cannot be built here: ${buildProblem}`,
    );
  }
}

async function requireDocker({ docker, getGoing }: Surroundings): Promise<void> {
  const version = () => docker(['version', '--format', '{{.Server.Version}}']);
  if ((await version()).code === 0) return;
  const problem = await getGoing('docker');
  if (problem !== undefined) throw new BrokerUnavailableError(problem);
  const { code, output } = await version();
  if (code !== 0) throw new BrokerUnavailableError(`Docker does not answer (${firstLine(output)}).`);
}

async function pull(name: string, { docker, say }: Surroundings): Promise<string | undefined> {
  say(`pulling ${name} …`);
  const { code, output } = await docker(['pull', name], { firstOutputWithinMs: registryWithinMs });
  if (code === 0) return undefined;
  return code === -1 ? `no answer within ${registryWithinMs / 1000} s` : lastLine(output);
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
