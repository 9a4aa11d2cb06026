import { invalidOption } from '../options.ts';

/**
 * A copy of parsed JSON in which `${NAME}` in a string became the variable's value; `$${` stands for `${` itself. Names of
 * properties stay. A value inside a URL must be percent-encoded already. Pure.
 * @throws INVALID_OPTION: a variable is not set. Names it and the place, and shows no value.
 */
export function fillEnvironment(
  value: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  place = '',
): unknown {
  if (typeof value === 'string') return fillString(value, environment, place);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => fillEnvironment(item, environment, `${place}[${index}]`));
  const filled = Object.entries(value).map(([name, item]) => {
    return [name, fillEnvironment(item, environment, place === '' ? name : `${place}.${name}`)] as const;
  });
  return Object.fromEntries(filled);
}

function fillString(text: string, environment: Readonly<Record<string, string | undefined>>, place: string): string {
  return text.replace(/\$?\$\{([^}]*)\}/g, (found, name: string) => {
    if (found.startsWith('$$')) return found.slice(1);
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined) return value;
    throw invalidOption(
      `The variable ${name} of the configuration's ${place} is not set. Set it in the environment, or write $\${ for a plain \${.`,
    );
  });
}
