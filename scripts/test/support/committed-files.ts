import type { SourceFile } from './workspace.ts';

// Written in parts, so that this file does not hold what it looks for.
const registryHosts: readonly string[] = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['repo1', 'maven', 'org'],
  ['repo', 'maven', 'apache', 'org'],
  ['deb', 'debian', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['proxy', 'golang', 'org'],
  ['static', 'crates', 'io'],
].map((parts) => parts.join('.'));

const pathOfOneMachine = new RegExp(`(?<![\\w./-])/(?:${['root', 'work', 'home/\\w+', 'Users/\\w+'].join('|')})/`);

/** One sentence per line that holds only on one machine, or names the host of a package registry. */
export function committedFileFaults(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const fault = faultOf(line);
      return fault === undefined ? [] : [`${path}:${index + 1} ${fault}`];
    }),
  );
}

function faultOf(line: string): string | undefined {
  const host = registryHosts.find((name) => line.includes(name));
  if (host !== undefined) return `names the package registry ${host}`;
  const match = pathOfOneMachine.exec(line);
  return match === null ? undefined : `holds a path of one machine, ${match[0]}`;
}
