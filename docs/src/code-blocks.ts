import type { Page } from './pages.ts';

/**
 * A fenced block of a page. What follows the language says how it is checked:
 * - `ts`: a whole module, which is type-checked
 * - `ts run`: run on the memory broker as well; a block `text output` right behind it is what it prints
 * - `ts name=NAME`: may be continued by `ts with=NAME,…` (on the same page), which comes after it in one module
 * - `json config`: a configuration that core accepts
 *
 * A comment `<!-- ts name=NAME` … `-->` holds code that a reader does not need to see.
 */
export interface CodeBlock {
  readonly page: string;
  /** Line of the page on which the code begins, from 1. */
  readonly line: number;
  readonly language: string;
  readonly words: ReadonlySet<string>;
  readonly name: string | undefined;
  readonly with: readonly string[];
  readonly code: string;
  /** In a comment: only ever a part of others. */
  readonly isHidden: boolean;
}

const opening = /^(?<fence>```+|<!-- (?=ts ))(?<info>.*)$/;

export function codeBlocksOf({ path, text }: Page): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const { fence, info } = opening.exec(lines[index] ?? '')?.groups ?? {};
    if (fence === undefined || info === undefined) continue;
    const isHidden = !fence.startsWith('`');
    const found = lines.indexOf(isHidden ? '-->' : fence, index + 1);
    const end = found === -1 ? lines.length : found;
    const code = lines.slice(index + 1, end).join('\n');
    blocks.push({ page: path, line: index + 2, code, isHidden, ...readInfo(info) });
    index = end;
  }
  return blocks;
}

function readInfo(info: string): Pick<CodeBlock, 'language' | 'words' | 'name' | 'with'> {
  const [language = '', ...words] = info.trim().split(/\s+/);
  const valueOf = (key: string): string | undefined =>
    words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  return { language, words: new Set(words), name: valueOf('name'), with: valueOf('with')?.split(',') ?? [] };
}

/** A block with what it continues, as one module. */
export interface Module {
  readonly block: CodeBlock;
  readonly text: string;
  /** Line of the module on which the block's own code begins, from 1. */
  readonly line: number;
}

/** @throws Error: the block continues one that is not there */
export function moduleOf(block: CodeBlock, blocks: readonly CodeBlock[]): Module {
  const before = partsOf(block, blocks).map(({ code }) => code);
  const { imports, code } = liftImports([...before, block.code].join('\n'));
  const lines = before.join('\n').split('\n').length;
  const line = before.length === 0 ? 2 : 2 + lines;
  return { block, text: `${imports}\n${code}\nexport {};\n`, line };
}

function partsOf(block: CodeBlock, blocks: readonly CodeBlock[]): readonly CodeBlock[] {
  const parts = new Set<CodeBlock>();
  for (const name of block.with) {
    const part = blocks.find((each) => each.page === block.page && each.name === name);
    if (part === undefined)
      throw new Error(`${block.page}:${block.line} continues '${name}', which no block is called`);
    for (const each of [...partsOf(part, blocks), part]) parts.add(each);
  }
  return [...parts];
}

const namedImport = /^import (?<type>type )?\{(?<names>[^}]*)\} from '(?<from>[^']+)';$/gm;

/** Several blocks may import the same: one import of each module on one line, and nothing else moves. */
function liftImports(text: string): { readonly imports: string; readonly code: string } {
  const found = new Map<string, Set<string>>();
  const code = text.replace(namedImport, (statement: string, type: string | undefined, names: string, from: string) => {
    const all = found.get(from) ?? new Set<string>();
    found.set(from, all);
    for (const name of names.split(',').map((each) => each.trim())) {
      if (name !== '') all.add(type === undefined || name.startsWith('type ') ? name : `type ${name}`);
    }
    return statement.replaceAll(/[^\n]/g, '');
  });
  const imports = [...found].map(([from, names]) => `import { ${withoutRepeats(names).join(', ')} } from '${from}';`);
  return { imports: imports.join(' '), code };
}

function withoutRepeats(names: ReadonlySet<string>): readonly string[] {
  return [...names].filter((name) => !(name.startsWith('type ') && names.has(name.slice(5))));
}
