import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageSpec } from './broker-spec.ts';
import { aptProxy, debianMirror } from './debian-mirror.ts';
import { baseTag, localTag, recipeFolder } from './image-recipe.ts';
import { succeed } from './run-command.ts';
import { timed } from './say.ts';
import type { Surroundings } from './surroundings.ts';

/** Builds the image from Debian, on a base that is built first where it is not there. Returns the image's name. */
export async function buildLocalImage(image: ImageSpec, around: Surroundings): Promise<string> {
  const base = baseTag(image.suite);
  if (!(await hasImage(base, around))) await inFolder((folder) => buildBase(image.suite, base, folder, around));
  const tag = localTag(image);
  await timed(around.say, `building the image of ${image.folder} from Debian ${image.suite}, once`, () =>
    inFolder((folder) => buildOn(base, image, tag, folder, around)),
  );
  return tag;
}

export async function hasImage(name: string, { docker }: Surroundings): Promise<boolean> {
  return (await docker(['image', 'inspect', '--format', '{{.Id}}', name])).code === 0;
}

async function buildOn(
  base: string,
  image: ImageSpec,
  tag: string,
  folder: string,
  around: Surroundings,
): Promise<void> {
  cpSync(recipeFolder(image), folder, { recursive: true });
  await image.prepare?.(folder, around);
  await succeed(
    around.docker(['build', '--force-rm', '--tag', tag, '--build-arg', `BASE=${base}`, folder]),
    'docker build',
  );
}

async function buildBase(suite: string, tag: string, folder: string, around: Surroundings): Promise<void> {
  await requireDebootstrap(around);
  await timed(around.say, `building a base image of Debian ${suite} (debootstrap), once`, async () => {
    await bootstrap(suite, folder, around);
    await importFolder(folder, tag, around);
  });
}

async function requireDebootstrap({ run, getGoing }: Surroundings): Promise<void> {
  const problem = await getGoing('debootstrap');
  if (problem !== undefined) throw new Error(problem);
  if ((await run('debootstrap', ['--version'])).code === 0 && process.getuid?.() === 0) return;
  throw new Error('a base image can only be made by root, with debootstrap (apt-get install debootstrap)');
}

async function bootstrap(suite: string, folder: string, { run }: Surroundings): Promise<void> {
  const proxy = await aptProxy(run);
  const mirror = await debianMirror(run);
  const args = ['debootstrap', '--variant=minbase', suite, folder, ...(mirror === undefined ? [] : [mirror])];
  await succeed(run('env', proxy === undefined ? args : [`http_proxy=${proxy}`, ...args]), 'debootstrap');
  // Sid's lists end after a week, also where a mirror stands still.
  writeFileSync(join(folder, 'etc/apt/apt.conf.d/90-mirror'), 'Acquire::Check-Valid-Until "false";\n');
}

async function importFolder(folder: string, tag: string, { docker }: Surroundings): Promise<void> {
  const left = ['./var/cache/apt/archives/*.deb', './var/lib/apt/lists/*', './proc/*', './sys/*'];
  const tar = spawn('tar', ['-C', folder, ...left.map((path) => `--exclude=${path}`), '-c', '.'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const packed = new Promise<number | null>((resolve, reject) => tar.on('error', reject).on('close', resolve));
  const [code] = await Promise.all([
    packed,
    succeed(docker(['import', '-', tag], { input: tar.stdout }), 'docker import'),
  ]);
  if (code !== 0) throw new Error(`tar failed (exit code ${code})`);
}

/** A folder for the work, removed after it and also when the process exits in the middle. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-image-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    return await work(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
