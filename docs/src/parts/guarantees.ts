import {
  allCases,
  allGroups,
  faultyDrivers,
  groupTitles,
  type Group,
} from '../../../packages/testing/src/conformance.ts';
import { list, table } from '../markdown.ts';

/** One line per guarantee: what it says, and how many cases of the suite hold it. */
export function guaranteeTable(prefix = ''): string {
  const guarantees = allGroups.filter((group) => /^G\d+$/.test(group));
  const sorted = guarantees.toSorted((one, other) => numberOf(one) - numberOf(other));
  return table(
    ['', 'the same on every broker', 'cases'],
    sorted.map((group) => [
      `[${group}](${prefix}guarantees.md#${group.toLowerCase()})`,
      titleOf(group),
      String(casesOf(group).length),
    ]),
  );
}

/** The cases of one group, by name. */
export function caseList(group = ''): string {
  return list(
    casesOf(group as Group).map(
      ({ name, needs }) => `${name}${needs === undefined ? '' : ` (needs ${needs.join(', ')})`}`,
    ),
  );
}

/** The groups that are no guarantees of the user's, with the number of their cases. */
export function driverCaseList(): string {
  const others = allGroups.filter((group) => !/^G\d+$/.test(group));
  return table(
    ['group', 'what it shows', 'cases'],
    others.map((group) => [`\`${group}\``, groupTitles[group], String(casesOf(group).length)]),
  );
}

/** The mistakes that the suite is known to catch. */
export function faultyDriverTable(): string {
  return table(
    ['mistake', 'caught by'],
    faultyDrivers.map(({ name, caughtBy }) => [name, caughtBy.join(', ')]),
  );
}

function casesOf(group: Group): typeof allCases {
  const cases = allCases.filter((each) => each.group === group);
  if (cases.length === 0 && !(group in groupTitles)) throw new Error(`There is no group '${group}'`);
  return cases;
}

function titleOf(group: Group): string {
  return groupTitles[group].slice(group.length + 1);
}

function numberOf(group: Group): number {
  return Number(group.slice(1));
}
