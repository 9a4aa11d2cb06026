import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImageSpec } from './broker-spec.ts';

// Part of each tag: raise it when the way a base image is made changes.
const baseRevision = 1;

/** The name of the local base image; it says of what it was made, so another recipe is another image. */
export function baseTag(suite: string): string {
  return `anymq-test/debian:${suite}-${baseRevision}-${process.arch}`;
}

/** The name of the local image: made of its folder's files and of its base, so it is built again when these change. */
export function localTag(image: ImageSpec, folder: string = recipeFolder(image)): string {
  const hash = createHash('sha256').update(baseTag(image.suite));
  for (const file of filesOf(folder)) hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
  return `anymq-test/${image.folder}:${image.suite}-${hash.digest('hex').slice(0, 12)}`;
}

/** Where the files are that the image is built from. */
export function recipeFolder({ folder }: ImageSpec): string {
  // The same from the sources and from what is published: `images` lies beside package.json.
  const manifest = createRequire(import.meta.url).resolve('@anymq/testing/package.json');
  return join(dirname(manifest), 'images', folder);
}

function filesOf(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .toSorted();
}
