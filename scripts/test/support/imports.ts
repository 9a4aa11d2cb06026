const statement = /^[ \t]*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;
const call = /\b(?:import|require|import\.meta\.resolve|require\.resolve)\(\s*['"]([^'"]+)['"]/g;
const comment = /^\s*(?:\/\/|\/?\*)/;

/** The module specifiers that a source imports, types and dynamic imports among them; not those in its comments. */
export function importsOf(text: string): readonly string[] {
  const code = text
    .split('\n')
    .filter((line) => !comment.test(line))
    .join('\n');
  const found = [statement, call].flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''));
  return [...new Set(found)];
}
