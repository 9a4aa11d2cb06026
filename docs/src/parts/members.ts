import { membersOf } from '../interface-members.ts';
import { table } from '../markdown.ts';
import { readSource } from '../pages.ts';

/** The members of an interface with their docstrings: what an option does, its bounds and its default, as its source says. */
export function memberTable(file = '', name = '', ...omitted: readonly string[]): string {
  const members = membersOf(readSource(file), name).filter((member) => !omitted.includes(member.name));
  return table(
    ['name', 'type', ''],
    members.map((member) => [`\`${member.name}${member.isOptional ? '?' : ''}\``, `\`${member.type}\``, member.text]),
  );
}
