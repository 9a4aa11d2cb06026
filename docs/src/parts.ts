import { adapterTable, capabilityTable, limitTable } from './parts/adapters.ts';
import { benchmarkGrowth, benchmarkMicro, benchmarkOf, benchmarkSummary } from './parts/benchmarks.ts';
import { demoTotals } from './parts/demo.ts';
import { errorTable } from './parts/errors.ts';
import { eventTable } from './parts/events.ts';
import { caseList, driverCaseList, faultyDriverTable, guaranteeTable } from './parts/guarantees.ts';
import { faultyStoreTable, idempotencyCost, storeCaseList } from './parts/idempotency.ts';
import { decisionList, packageList } from './parts/lists.ts';
import { memberTable } from './parts/members.ts';
import { readSource, type Page } from './pages.ts';

/** What a page may have between `<!-- generated NAME ARGUMENTS -->` and `<!-- end generated -->`. */
const parts: Readonly<Record<string, (...words: readonly string[]) => string>> = {
  adapters: adapterTable,
  benchmark: benchmarkOf,
  'benchmark-growth': benchmarkGrowth,
  'benchmark-micro': benchmarkMicro,
  'benchmark-summary': benchmarkSummary,
  decisions: decisionList,
  demo: demoTotals,
  capabilities: capabilityTable,
  limits: limitTable,
  errors: errorTable,
  events: eventTable,
  guarantees: guaranteeTable,
  cases: caseList,
  'driver-cases': driverCaseList,
  'faulty-drivers': faultyDriverTable,
  'store-cases': storeCaseList,
  'faulty-stores': faultyStoreTable,
  'idempotency-cost': idempotencyCost,
  members: memberTable,
  packages: packageList,
  source: (path = '') => `\`\`\`ts\n${readSource(path)}\`\`\``,
};

const generated = /(?<start><!-- generated (?<words>[^>]+?) -->\n)[\s\S]*?(?<end><!-- end generated -->)/g;

/** The page with every generated part made anew. @throws Error: a part that nothing makes */
export function withGeneratedParts(page: Page): Page {
  const text = page.text.replaceAll(generated, (...found: readonly unknown[]) => {
    const { start, words, end } = found.at(-1) as Readonly<Record<'start' | 'words' | 'end', string>>;
    return `${start}\n${makePart(page, words)}\n\n${end}`;
  });
  return { ...page, text };
}

export function partsIn({ text }: Page): number {
  return [...text.matchAll(generated)].length;
}

function makePart({ path }: Page, words: string): string {
  const [name = '', ...rest] = words.split(' ');
  const make = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (make === undefined) throw new Error(`${path}: nothing makes the part '${name}'`);
  return make(...rest);
}
