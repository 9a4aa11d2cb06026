import { fillEnvironment } from '../../packages/core/src/config/fill-environment.ts';
import { checkConfig } from '../../packages/core/src/config/check-config.ts';
import { Application, type Run } from './application.ts';
import { codeBlocksOf, moduleOf, type CodeBlock, type Module } from './code-blocks.ts';
import { readSource, type Page } from './pages.ts';

/** One sentence per block that does not hold, and how many were looked at. */
export interface CodeFindings {
  readonly faults: readonly string[];
  readonly checked: number;
  readonly run: number;
}

/** `programs`: folders that are type-checked with the blocks. */
export async function checkCode(pages: readonly Page[], programs: readonly string[]): Promise<CodeFindings> {
  const blocks = pages.flatMap(codeBlocksOf);
  const modules = new Map<string, Module>();
  const faults = [...blocks.flatMap(configFaults), ...blocks.flatMap(commandFaults), ...blocks.flatMap(languageFaults)];
  for (const block of blocks.filter(({ language, isHidden }) => language === 'ts' && !isHidden)) {
    try {
      modules.set(fileOf(block), moduleOf(block, blocks));
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  const compiled = await compileAndRun(modules, blocks, programs);
  return { faults: [...faults, ...compiled.faults], checked: modules.size, run: compiled.run };
}

async function compileAndRun(
  modules: ReadonlyMap<string, Module>,
  blocks: readonly CodeBlock[],
  programs: readonly string[],
): Promise<Omit<CodeFindings, 'checked'>> {
  using application = new Application();
  for (const [file, module] of modules) application.write(file, module);
  const files = [...modules].filter(([, { block }]) => block.words.has('run')).map(([file]) => file);
  const [compiling, runs] = await Promise.all([application.check(programs), application.run(files)]);
  const faults = [
    ...messagesOf(compiling).flatMap((message) => placed(message, modules)),
    ...runs.flatMap((run) => runFaults(run, modules, blocks)),
  ];
  return { faults, run: runs.length };
}

function fileOf({ page, line }: CodeBlock): string {
  return `${page.replaceAll(/[^A-Za-z]+/g, '-')}-${line}.ts`;
}

/** What is indented goes on with the line before it. */
function messagesOf(output: string): readonly string[] {
  return output.split(/\n(?=\S)/).filter((message) => message.trim() !== '');
}

/** The compiler's message, with the page's place instead of the module's. Those about packages are for `tsc -b` to tell. */
function placed(message: string, modules: ReadonlyMap<string, Module>): readonly string[] {
  const [, file = '', row, text] = /^([^()]+)\((\d+),\d+\): ([\s\S]*)$/.exec(message) ?? [];
  const module = modules.get(file);
  if (module === undefined) return file.includes('/packages/') || file.includes('/examples/') ? [] : [message];
  const { block } = module;
  const inBlock = Number(row) - module.line;
  const place = `${block.page}:${Math.max(block.line, block.line + inBlock)}`;
  return [`${place} ${inBlock < 0 ? 'in what comes before it: ' : ''}${text}`];
}

function runFaults(run: Run, modules: ReadonlyMap<string, Module>, blocks: readonly CodeBlock[]): readonly string[] {
  const block = modules.get(run.file)?.block;
  if (block === undefined) return [];
  const place = `${block.page}:${block.line}`;
  if (run.error !== undefined) return [`${place} failed: ${run.error}`];
  const next = blocks[blocks.indexOf(block) + 1];
  const isExpected = next?.page === block.page && next.language === 'text' && next.words.has('output');
  const expected = isExpected ? next.code : '';
  return run.output === expected ? [] : [`${place} printed: ${run.output || 'nothing'}`];
}

function configFaults({ language, words, code, page, line }: CodeBlock): readonly string[] {
  if (language !== 'json') return [];
  try {
    const value: unknown = JSON.parse(code);
    if (words.has('config')) checkConfig(fillEnvironment(value, anyEnvironment));
    return [];
  } catch (error) {
    return [`${page}:${line} ${(error as Error).message}`];
  }
}

/** Every variable is set. */
const anyEnvironment = new Proxy<Record<string, string>>(
  {},
  { get: () => 'value', getOwnPropertyDescriptor: () => ({ value: 'value', configurable: true, enumerable: true }) },
);

/** A command of ours that a page shows has to be there. */
function commandFaults({ language, code, page, line }: CodeBlock): readonly string[] {
  if (language !== 'sh') return [];
  const { scripts } = JSON.parse(readSource('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
  const asked = [...code.matchAll(/\bnpm (?:run )?(?!install\b|run\b)([\w:-]+)/g)].map(([, name = '']) => name);
  return asked.filter((name) => !(name in scripts)).map((name) => `${page}:${line} there is no script '${name}'`);
}

const languages: ReadonlySet<string> = new Set(['ts', 'json', 'sh', 'text']);

/** No block escapes its check by another name for its language. */
function languageFaults({ language, page, line }: CodeBlock): readonly string[] {
  return languages.has(language) ? [] : [`${page}:${line} is in '${language}', and nothing checks that`];
}
