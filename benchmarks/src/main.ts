// npm run bench -- [SUITE …] [--quick] [--save] …: see the help in arguments.ts.
import { BrokerUnavailableError } from '@anymq/testing/brokers';
import { type Arguments, help, parseArguments, UsageError } from './arguments.ts';
import { bodyBytes } from './payload.ts';
import { type Report, thisMachine, writeReports } from './report.ts';
import { check } from './results/check.ts';
import { keepReport, saveReport } from './results/files.ts';
import { show } from './results/show.ts';
import { type Suite, suites } from './suites.ts';

// What hung may still hold a connection.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const parsed = parseArguments(args, [...suites.keys()]);
    if (parsed.command === 'run' && !parsed.help) return (await runAll(parsed)) ? 0 : 1;
    if (parsed.help) console.log(help);
    else if (parsed.command === 'check') return check(parsed.suites) ? 1 : 0;
    else show(parsed.suites);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`✗ ${error.message}\n  --help lists the options.`);
    return 2;
  }
}

/** One after the other. What fails in one keeps no other from being measured. Returns whether none failed. */
async function runAll(parsed: Arguments): Promise<boolean> {
  const reports: Report[] = [];
  for (const name of parsed.suites) {
    printTitle(name, parsed);
    const report = await runOne(name, parsed);
    if (report !== undefined) reports.push(report);
  }
  if (parsed.json !== undefined) writeReports(parsed.json, reports);
  if (parsed.save) show(parsed.suites);
  return reports.length === parsed.suites.length;
}

async function runOne(name: string, parsed: Arguments): Promise<Report | undefined> {
  const started = performance.now();
  try {
    const report = await (suites.get(name) as Suite)(parsed);
    keep(name, report, parsed);
    if (report.rounds < 3)
      console.log(`\nNo more than ${report.rounds} rounds fitted into the time: the spread says nothing.`);
    console.log(`\n${name}: ${Math.round((performance.now() - started) / 1000)} s\n`);
    return report;
  } catch (error) {
    const isTold = error instanceof UsageError || error instanceof BrokerUnavailableError;
    console.error(`\n✗ ${name}:`, isTold ? error.message : error, '\n');
    return undefined;
  }
}

/** A part of a suite is no run to compare with. */
function keep(name: string, report: Report, { only, save }: Arguments): void {
  if (only.length > 0) return;
  keepReport(name, report);
  if (save) saveReport(name, report);
}

function printTitle(name: string, { size, only }: Arguments): void {
  const { cpu, cores, platform, node } = thisMachine();
  const part = only.length > 0 ? `, only ${only.join(' ')}` : '';
  console.log(`${name} (${size}${part}): ${bodyBytes}-byte bodies, medians of alternating rounds`);
  console.log(`Node ${node}, ${platform}, ${cores} × ${cpu}`);
}
