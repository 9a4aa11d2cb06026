// What `npm run brokers` runs on the pinned Node. Standard output is for the result, standard error for how it goes on.
import { constants } from 'node:os';
import {
  brokerNames,
  brokerStatus,
  downBrokers,
  isBrokerName,
  serverNames,
  upBrokers,
} from '../../packages/testing/src/brokers/index.ts';

/** @typedef {import('../../packages/testing/src/brokers/index.ts').UpBroker} UpBroker */

const usage = `npm run brokers -- up | down | status [--json] [${serverNames.join(' | ')}]…`;

const interrupted = new AbortController();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  // Not `once`: a package of testcontainers' ends the process when its own listener is the last one left.
  process.on(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    interrupted.abort(new Error('interrupted; what was started is removed again'));
  });
}

try {
  await runCommand(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`anymq: ${error instanceof Error ? error.message : String(error)}\n`);
  // What still runs, such as the building of an image, ends with this process.
  process.exit(process.exitCode ?? 1);
}

/** @param {readonly string[]} args */
async function runCommand(args) {
  const json = args.includes('--json');
  const [command, ...named] = args.filter((argument) => argument !== '--json');
  const wrong = named.find((name) => !isBrokerName(name));
  if (wrong !== undefined) throw new Error(`There is no broker ${wrong}. ${usage}`);
  // Stores are no brokers: they are started when they are named, and shown and removed with the rest.
  const unnamed = command === 'up' ? brokerNames : serverNames;
  const names = named.length > 0 ? named.filter(isBrokerName) : unnamed;
  if (command === 'up') print(await upBrokers(names, { signal: interrupted.signal }), json);
  else if (command === 'status') print(await brokerStatus(names), json);
  else if (command === 'down') printRemoved(await downBrokers(names), json);
  else throw new Error(usage);
}

/**
 * @param {readonly UpBroker[]} brokers
 * @param {boolean} json
 */
function print(brokers, json) {
  if (json) printJson(brokers.filter(({ answers }) => answers));
  else if (brokers.length === 0) console.log('no brokers are up');
  else
    for (const { name, url, from, answers } of brokers) console.log(`${name.padEnd(10)} ${url}  ${how(from, answers)}`);
}

/**
 * @param {readonly string[]} names
 * @param {boolean} json
 */
function printRemoved(names, json) {
  if (json) printJson([]);
  else console.log(names.length === 0 ? 'no brokers were up' : `removed ${names.join(', ')}`);
}

/** @param {readonly Pick<UpBroker, 'name' | 'url'>[]} brokers */
function printJson(brokers) {
  console.log(JSON.stringify(Object.fromEntries(brokers.map(({ name, url }) => [name, url]))));
}

/**
 * @param {UpBroker['from']} from
 * @param {boolean} answers
 */
function how(from, answers) {
  if (from === 'environment') return 'from the environment';
  return answers ? 'answers' : 'does not answer: up brings it back';
}
