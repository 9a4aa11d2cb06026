import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { loadDriverModule } from '../../src/config/load-driver-module.ts';
import { failure, fakeModule } from './fake-module.ts';

const root = mkdtempSync(join(tmpdir(), 'anymq-app-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, content: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** An application folder with one adapter installed. */
function application(name: string, adapter: string, source: string): string {
  const folder = `${name}/node_modules/@anymq/${adapter}`;
  write(
    `${folder}/package.json`,
    `{ "type": "module", "exports": { "source": "./source.ts", "default": "./index.js" } }`,
  );
  write(`${folder}/source.ts`, source.replaceAll('BUILT', 'false as boolean'));
  write(`${folder}/index.js`, source.replaceAll('BUILT', 'true'));
  return join(root, name);
}

const moduleSource = (name: string, changes = ''): string =>
  `export const options = { specificationVersion: 1 }; export function create() {}
   export const driver = { specificationVersion: 1, name: '${name}', schemes: ['${name}'], built: BUILT, create() {}, ${changes} };`;

describe('of the given drivers', () => {
  test('the first that answers is taken, by scheme or by name', async () => {
    const [own, other] = [fakeModule('redis-streams', ['redis', 'rediss']), fakeModule('redis-streams', ['redis'])];
    expect(await loadDriverModule({ scheme: 'rediss' }, [fakeModule('x', []), own, other])).toBe(own);
    expect(await loadDriverModule({ driver: 'redis-streams' }, [other, own])).toBe(other);
  });

  test('one of another version is refused', async () => {
    const drivers = [fakeModule('kafka', ['kafka'], { specificationVersion: 2 as 1 })];
    const error = await failure(() => loadDriverModule({ driver: 'kafka' }, drivers));
    expect(error).toMatchObject({ code: 'UNSUPPORTED' });
    expect(error.message).toContain('version 2');
  });
});

describe('from the application', () => {
  test('the export that is the driver module is picked', async () => {
    const app = application('picks', 'kafka', moduleSource('kafka'));
    expect(await loadDriverModule({ scheme: 'kafka' }, [], [join(app, 'src/main.ts')])).toMatchObject({
      name: 'kafka',
    });
  });

  test('a missing package gives the install line, with the vendor client', async () => {
    const error = await failure(() => loadDriverModule({ scheme: 'rediss' }, [], [root]));
    expect(error).toMatchObject({ code: 'ADAPTER_MISSING' });
    expect(error.message).toContain('`npm install @anymq/redis-streams ioredis`');
  });

  test('a package without a driver module', async () => {
    const app = application('empty', 'kafka', 'export const kafka = 1;');
    const error = await failure(() => loadDriverModule({ scheme: 'kafka' }, [], [app]));
    expect(error).toMatchObject({ code: 'ADAPTER_MISSING' });
    expect(error.message).toContain('exports no such driver module');
  });

  test('a package of another version', async () => {
    const app = application('newer', 'kafka', moduleSource('kafka', 'specificationVersion: 7'));
    expect(await failure(() => loadDriverModule({ scheme: 'kafka' }, [], [app]))).toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  test('a package that fails to load', async () => {
    const app = application(
      'fails',
      'kafka',
      'throw Object.assign(new Error("amqp://user:hunter2@host"), { code: "E1" });',
    );
    const error = await failure(() => loadDriverModule({ scheme: 'kafka' }, [], [app]));
    expect(error).toMatchObject({ code: 'ADAPTER_MISSING', cause: { code: 'E1' } });
    expect(error.message).not.toContain('hunter2');
  });
});

describe('in a process of its own', () => {
  const loader = new URL('../../src/config/load-driver-module.ts', import.meta.url).href;
  const main = (query: string): string =>
    `import { loadDriverModule } from ${JSON.stringify(loader)};
     try { console.log(JSON.stringify(await loadDriverModule(${query}))); }
     catch (error) { console.log(JSON.stringify({ code: error.code, message: error.message })); }`;
  const run = async (file: string, cwd: string, ...flags: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', ...flags, file], { cwd, env: {} });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  test('it is found from the main script, whatever the working directory', async () => {
    application('main', 'sqs', moduleSource('sqs'));
    expect(await run(write('main/src/main.mjs', main(`{ scheme: 'sqs' }`)), tmpdir())).toMatchObject({ built: true });
  });

  test('it is found from a linked command', async () => {
    application('linked', 'sqs', moduleSource('sqs'));
    const script = write('linked/bin.mjs', main(`{ driver: 'sqs' }`));
    mkdirSync(join(root, 'bin'));
    symlinkSync(script, join(root, 'bin/command.mjs'));
    expect(await run(join(root, 'bin/command.mjs'), tmpdir())).toMatchObject({ name: 'sqs' });
  });

  test('it is found from the working directory', async () => {
    const app = application('cwd', 'sqs', moduleSource('sqs'));
    expect(await run(write('tool/main.mjs', main(`{ scheme: 'sqs' }`)), app)).toMatchObject({ name: 'sqs' });
  });

  test('the condition source gives the TypeScript source', async () => {
    const app = join(root, 'workspace');
    mkdirSync(join(app, 'node_modules/@anymq'), { recursive: true });
    // A workspace links its packages, so their sources are outside of any node_modules.
    const target = join(root, 'linked-package');
    write(
      'linked-package/package.json',
      '{ "type": "module", "exports": { "source": "./source.ts", "default": "./index.js" } }',
    );
    write('linked-package/source.ts', moduleSource('sqs').replaceAll('BUILT', 'false as boolean'));
    symlinkSync(target, join(app, 'node_modules/@anymq/sqs'), 'dir');
    const script = write('workspace/main.mjs', main(`{ scheme: 'sqs' }`));
    expect(await run(script, tmpdir(), '--conditions=source')).toMatchObject({ built: false });
  });

  test('a missing client of the vendor is named', async () => {
    application('client', 'kafka', `import 'kafkajs'; ${moduleSource('kafka')}`);
    const error = await run(write('client/main.mjs', main(`{ scheme: 'kafka' }`)), tmpdir());
    expect(error).toMatchObject({ code: 'ADAPTER_MISSING' });
    expect(error['message']).toMatch(/because 'kafkajs' is missing.*npm install @anymq\/kafka kafkajs/);
  });

  test('the module is the one that the application imports', async () => {
    application('same', 'sqs', moduleSource('sqs'));
    const script = `import { loadDriverModule } from ${JSON.stringify(loader)}; import { driver } from '@anymq/sqs';
      console.log(JSON.stringify({ same: driver === await loadDriverModule({ scheme: 'sqs' }) }));`;
    expect(await run(write('same/main.mjs', script), tmpdir())).toEqual({ same: true });
  });
});
