import { expect, test } from 'vitest';
import { committedFileFaults } from './support/committed-files.ts';
import { committedPaths, readText } from './support/workspace.ts';

const host = ['registry', 'npmjs', 'org'].join('.');
const slash = '/';

test('no committed file names a package registry or a path of one machine', () => {
  const paths = committedPaths();
  expect(paths).toContain('pnpm-lock.yaml');
  expect(committedFileFaults(paths.map((path) => ({ path, text: readText(path) })))).toEqual([]);
});

test.each([
  [`  resolution: {tarball: https://${host}/vitest.tgz}`],
  [`import '${slash}root/store/x.ts';`],
  [`cd ${slash}work/main`],
  [`"${slash}home/someone/anymq"`],
])('%j is found out', (line) => {
  expect(committedFileFaults([{ path: 'a', text: `first\n${line}` }])).toEqual([expect.stringMatching(/^a:2 /)]);
});

test.each([['src/work/list.ts'], ['the homework/root/ of it'], ['https://example.com/work/']])(
  '%j is in order',
  (line) => {
    expect(committedFileFaults([{ path: 'a', text: line }])).toEqual([]);
  },
);
