export interface Member {
  /** With a dot where it stands in a nested object. */
  readonly name: string;
  /** As the source has it, without what a reader does not need. */
  readonly type: string;
  readonly isOptional: boolean;
  /** The docstring as one paragraph; '' where there is none. */
  readonly text: string;
}

/** The members of an interface as its source declares them, with their docstrings. @throws Error: it has none */
export function membersOf(source: string, name: string): readonly Member[] {
  const start = new RegExp(`^(?:export )?interface ${name}\\b[^{]*(?:<[^>]*>)?[^{]*\\{\\n`, 'm').exec(source);
  if (start === null) throw new Error(`There is no interface ${name}`);
  const from = start.index + start[0].length;
  const members = membersIn(source.slice(from, source.indexOf('\n}', from) + 1), 2);
  if (members.length === 0) throw new Error(`The interface ${name} has no members`);
  return members;
}

function membersIn(body: string, indent: number): readonly Member[] {
  return [...body.matchAll(memberPattern(indent))].flatMap(({ groups = {} }) => {
    const { name = '', type = '', doc = '' } = groups;
    const nested = /^: (?:readonly )?\{\n([\s\S]*)\}$/.exec(type)?.[1];
    if (nested !== undefined) {
      return membersIn(nested, indent + 2).map((inner) => ({ ...inner, name: `${name}.${inner.name}` }));
    }
    return [{ name, type: typeText(type), isOptional: groups['optional'] !== undefined, text: docText(doc) }];
  });
}

/** A member ends where the next one, or the end, follows with the same indent. */
function memberPattern(indent: number): RegExp {
  const margin = ' '.repeat(indent);
  return new RegExp(
    `^${margin}(?:/\\*\\*(?<doc>[\\s\\S]*?)\\*/\\n${margin})?(?:readonly )?(?<name>\\w+)(?:<[^>]*>)?(?<optional>\\?)?(?<type>[:(][\\s\\S]*?);$(?=\\n${margin}[\\w/]|\\s*$(?![\\s\\S]))`,
    'gm',
  );
}

function typeText(type: string): string {
  const text = (type.startsWith(':') ? type.slice(1) : type)
    .replaceAll('readonly ', '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('( ', '(')
    .replaceAll(', )', ')')
    .replace(/ \| undefined$/, '')
    .replace(/\(C\['\w+'\] extends false \? [^:]+ : ([^)]+)\)/, '$1')
    .trim();
  return /^\(\([^()]*\) => [^()]*\)$/.test(text) ? text.slice(1, -1) : text;
}

function docText(doc: string): string {
  return doc
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .trim();
}
