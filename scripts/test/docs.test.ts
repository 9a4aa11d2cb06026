import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pinnedNode } from '../setup.mjs';
import { root } from './support/workspace.ts';

interface Findings {
  readonly faults: readonly string[];
  readonly checked: number;
}
type Report = Readonly<Record<'parts' | 'links' | 'vectors', Findings>> & {
  readonly code: Findings & { readonly run: number };
};

const patience = 60_000;

describe('README.md, docs/ and the pages of adapters', () => {
  let report: Report;
  beforeAll(async () => {
    report = await check(root);
  }, patience);

  test('every block of code type-checks, and those that can be run print what the page says', () => {
    expect(report.code.faults).toEqual([]);
    expect(report.code.checked).toBeGreaterThan(20);
    expect(report.code.run).toBeGreaterThan(10);
  });

  test('every generated part is what its source makes today', () => {
    expect(report.parts.faults).toEqual([]);
    expect(report.parts.checked).toBeGreaterThan(40);
  });

  test('every link leads somewhere', () => {
    expect(report.links.faults).toEqual([]);
    expect(report.links.checked).toBeGreaterThan(10);
  });

  test('core agrees with every vector of the wire format', () => {
    expect(report.vectors.faults).toEqual([]);
    expect(report.vectors.checked).toBeGreaterThan(40);
  });
});

describe('what does not hold', () => {
  let folder: string;
  let report: Report;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'anymq-docs-'));
    mkdirSync(join(folder, 'docs'));
    writeFileSync(join(folder, 'README.md'), wrongPage);
    report = await check(folder);
  }, patience);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['a block that does not compile', /^README\.md:2 error TS2322: /],
    ['a block that prints something else', /^README\.md:5 printed: 3$/],
    ['a block that fails', /^README\.md:11 failed: Error: broken/],
    ['a block that continues one that is not there', /^README\.md:14 continues 'nothing'/],
    ['a block that hides behind another language', /^README\.md:17 is in 'js'/],
    ['a configuration that core refuses', /^README\.md:20 .*no option 'broker'/],
    ['a command that is not there', /^README\.md:23 there is no script 'demonstrate'$/],
  ])('%s is found out', (_, pattern) => {
    expect(report.code.faults.filter((fault) => pattern.test(fault))).toHaveLength(1);
  });

  test('nothing else is complained about', () => {
    expect(report.code.faults).toHaveLength(7);
  });

  test('a stale part and a link to nowhere are found out', () => {
    expect(report.parts.faults).toEqual([expect.stringMatching(/^README\.md is stale/)]);
    expect(report.links.faults).toEqual([expect.stringMatching(/nowhere\.md/), expect.stringMatching(/#no-heading/)]);
  });
});

const wrongPage = `\`\`\`ts
const value: string = 1;
\`\`\`
\`\`\`ts run
console.log(1 + 2);
\`\`\`
\`\`\`text output
4
\`\`\`
\`\`\`ts run
throw new Error('broken');
\`\`\`
\`\`\`ts with=nothing
value;
\`\`\`
\`\`\`js
value;
\`\`\`
\`\`\`json config
{ "broker": "memory:" }
\`\`\`
\`\`\`sh
npm run demonstrate && npm test && npm install left-pad
\`\`\`
# Heading
[one](nowhere.md) [two](#no-heading) [three](#heading) [four](https://example.com)
<!-- generated errors -->
<!-- end generated -->
`;

/** What the checker of the documentation says about the pages below a folder. */
function check(folder: string): Promise<Report> {
  const args = ['--conditions=source', join(root, 'docs', 'src', 'main.ts'), '--check', '--root', folder];
  return new Promise((resolve, reject) => {
    execFile(pinnedNode[24], args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Report);
      else reject(error);
    });
  });
}
