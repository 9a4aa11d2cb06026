import { relative } from 'node:path';

/**
 * @typedef {{ readonly status: string, readonly fullName: string, readonly failureMessages: readonly string[] }} TestReport
 * @typedef {{ readonly testResults: readonly { readonly name: string, readonly assertionResults: readonly TestReport[] }[] }} Report
 */

/**
 * The tests that failed before they passed: vitest keeps what they failed with, and its default reporter is silent about them.
 *
 * @param {Report} report what vitest's JSON reporter wrote
 * @returns {readonly string[]}
 */
export function retriedTests({ testResults }) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0)
      .map(({ fullName }) => `${relative(process.cwd(), name)} > ${fullName}`),
  );
}
