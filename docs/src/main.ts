// node scripts/run.mjs docs/src/main.ts             makes the generated parts anew
// node scripts/run.mjs docs/src/main.ts --check     changes nothing, and prints what does not hold, as JSON
// --root DIR                                        the pages of another folder
import { parseArgs } from 'node:util';
import { checkCode } from './check-code.ts';
import { linkFaults } from './links.ts';
import { readPages, workspace, writePage } from './pages.ts';
import { partsIn, withGeneratedParts } from './parts.ts';
import { vectorFaults } from './wire-vectors.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean' }, root: { type: 'string', default: workspace } } });
const pages = readPages(values.root);
const fresh = pages.map(withGeneratedParts);
const stale = fresh.filter((page, index) => page.text !== pages[index]?.text);

if (values.check === true) {
  const parts = {
    faults: stale.map(({ path }) => `${path} is stale: run node scripts/run.mjs docs/src/main.ts`),
    checked: pages.reduce((sum, page) => sum + partsIn(page), 0),
  };
  const links = { faults: linkFaults(pages, values.root), checked: pages.length };
  // The programs behind the pages are checked with the real ones.
  const programs = values.root === workspace ? [import.meta.dirname] : [];
  const report = { parts, links, code: await checkCode(pages, programs), vectors: vectorFaults() };
  process.stdout.write(JSON.stringify(report));
} else {
  for (const page of stale) writePage(values.root, page);
  for (const { path } of stale) console.log(`${path} was made anew`);
}
