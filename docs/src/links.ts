import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Page } from './pages.ts';

const link = /\[[^\]]*\]\((?<target>[^)\s]+)\)/g;

/** One sentence per link within the repository that leads nowhere, heading or file. */
export function linkFaults(pages: readonly Page[], root: string): readonly string[] {
  return pages.flatMap(({ path, text }) =>
    [...withoutCode(text).matchAll(link)]
      .map(({ groups }) => groups?.['target'] ?? '')
      .filter((target) => !/^[a-z]+:/.test(target) && !resolves(target, path, root))
      .map((target) => `${path} links to ${target}, which is not there`),
  );
}

function resolves(target: string, from: string, root: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = join(root, file === '' ? from : posix.join(posix.dirname(from), file));
  if (!existsSync(path)) return false;
  return anchor === undefined || anchorsOf(readFileSync(path, 'utf8')).has(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}
