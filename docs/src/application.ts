import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Module } from './code-blocks.ts';
import { adapters, workspace } from './pages.ts';

/** What one module did when it ran. */
export interface Run {
  readonly file: string;
  readonly output: string;
  readonly error?: string;
}

/** A folder like that of a user who has installed the packages, and wrote the blocks of the documentation into files. */
export class Application implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'anymq-docs-'));

  constructor() {
    for (const name of ['core', 'memory', 'testing']) this.#install(`@anymq/${name}`, join('packages', name));
    for (const { folder, clients } of adapters) {
      this.#install(`@anymq/${folder}`, join('packages', folder));
      for (const client of clients) this.#install(client, join('packages', folder, 'node_modules', client));
    }
    for (const name of ['@types/node', 'vitest']) this.#install(name, join('node_modules', name));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(this.folder, 'run.js'), runner);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  write(file: string, { text }: Module): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** The compiler's output, for the modules and for further folders. Empty: all is well. */
  check(folders: readonly string[]): Promise<string> {
    const config = {
      extends: join(workspace, 'docs', 'tsconfig.json'),
      compilerOptions: { rootDir: '/' },
      include: ['*.ts', ...folders],
    };
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(workspace, 'node_modules', 'typescript', 'bin', 'tsc');
    return this.#node([tsc, '--pretty', 'false', '--project', '.']);
  }

  /** One after the other, in one process. @throws Error: they did not come to their end */
  async run(files: readonly string[]): Promise<readonly Run[]> {
    const output = await this.#node(['--conditions=source', 'run.js', ...files]);
    try {
      return JSON.parse(output) as readonly Run[];
    } catch {
      throw new Error(`The blocks did not run to their end: ${output}`);
    }
  }

  #install(name: string, from: string): void {
    const path = join(this.folder, 'node_modules', name);
    // Several packages are on the same client.
    if (existsSync(path)) return;
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(workspace, from), path, 'junction');
  }

  #node(args: readonly string[]): Promise<string> {
    return new Promise((resolve) => {
      const options = { cwd: this.folder, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 };
      execFile(process.execPath, args, options, (error, stdout, stderr) =>
        resolve(error === null ? stdout : `${stdout}${stderr}`),
      );
    });
  }
}

const runner = `
import { format } from 'node:util';
const runs = [];
let lines = [];
console.log = (...values) => void lines.push(format(...values));
for (const file of process.argv.slice(2)) {
  lines = [];
  try {
    await import('./' + file);
    runs.push({ file, output: lines.join('\\n') });
  } catch (error) {
    runs.push({ file, output: lines.join('\\n'), error: format(error) });
  }
}
process.stdout.write(JSON.stringify(runs));
`;
