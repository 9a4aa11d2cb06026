// npm run faults -- [DRIVER …] [options]: see the help in arguments.ts.
import { writeFileSync } from 'node:fs';
import type { Arguments } from './arguments.ts';
import { help, parseArguments, UsageError } from './arguments.ts';
import type { DriverName } from './drivers.ts';
import { startDriver } from './drivers.ts';
import { faults } from './faults.ts';
import { mixture } from './faults/endurance.ts';
import { runFuzz } from './fuzz/run-fuzz.ts';
import { saveResults, saveSoak } from './results.ts';
import type { Outcome } from './run-fault.ts';
import { isBad, runFault } from './run-fault.ts';
import { grown, soak } from './soak.ts';
import { complaints, printedRow } from './table.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const parsed = parseArguments(args);
    if (parsed.help) console.log(help);
    if (parsed.help) return 0;
    if (parsed.soak) return await soakAll(parsed);
    return parsed.fuzz ? fuzzAll(parsed) : await runAll(parsed);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`✗ ${error.message}\n  --help lists the options.`);
    return 2;
  }
}

async function runAll(parsed: Arguments): Promise<number> {
  console.log(`seed ${parsed.seed}, ${parsed.messages} messages per fault, ${parsed.rate} per second`);
  console.log(printedRow(undefined));
  const outcomes: Outcome[] = [];
  for (const driver of parsed.drivers) outcomes.push(...(await runDriver(driver, parsed)));
  if (parsed.json !== undefined) writeFileSync(parsed.json, `${JSON.stringify(outcomes, undefined, 2)}\n`);
  if (parsed.save) saveResults(outcomes);
  return outcomes.some(isBad) ? 1 : 0;
}

async function soakAll(parsed: Arguments): Promise<number> {
  console.log(`seed ${parsed.seed}, ${parsed.rate} messages per second and driver, ${parsed.minutes} minutes`);
  console.log(printedRow(undefined));
  const outcomes = await soak(parsed.drivers, parsed, ({ outcome, held }) => {
    tellOutcome(outcome);
    for (const own of held) console.log(`  ${own.member} ${JSON.stringify(own)}`);
    for (const problem of held.flatMap(grown)) console.log(`  ✗ ${problem}`);
  });
  if (parsed.json !== undefined) writeFileSync(parsed.json, `${JSON.stringify(outcomes, undefined, 2)}\n`);
  if (parsed.save) saveSoak(outcomes);
  return outcomes.some(({ outcome, held }) => isBad(outcome) || held.flatMap(grown).length > 0) ? 1 : 0;
}

function tellOutcome(outcome: Outcome): void {
  console.log(printedRow(outcome));
  for (const complaint of complaints(outcome)) console.log(`  ✗ ${complaint}`);
  if (outcome.folder !== undefined) console.log(`  kept in ${outcome.folder}`);
}

function fuzzAll({ cases, seed }: Arguments): number {
  console.log(`seed ${seed}, ${cases} cases in all`);
  const results = runFuzz(cases, seed, ({ target, cases: own, slowestMs, findings }) => {
    console.log(`${target.padEnd(18)} ${String(own).padStart(8)} cases, slowest ${slowestMs.toFixed(1)} ms`);
    for (const finding of findings) console.log(`  ✗ seed ${finding.seed}: ${finding.problem}`);
  });
  return results.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

async function runDriver(
  driver: DriverName,
  { only, short, mixture: mixed, messages, rate, seed }: Arguments,
): Promise<readonly Outcome[]> {
  const chosen = (mixed ? [mixture] : faults).filter(
    (fault) =>
      (fault.drivers?.includes(driver) ?? true) &&
      (only.length === 0 || only.includes(fault.name)) &&
      (!short || fault.short === true),
  );
  const outcomes: Outcome[] = [];
  for (const isCluster of [false, true]) {
    const own = chosen.filter((fault) => (fault.isOfCluster ?? false) === isCluster);
    if (own.length === 0) continue;
    const behind = await startDriver(driver, isCluster);
    try {
      for (const fault of own) {
        const outcome = await runFault(fault, { driver, behind, messages, rate, seed });
        outcomes.push(outcome);
        tellOutcome(outcome);
      }
    } finally {
      await behind.stop();
    }
  }
  return outcomes;
}
