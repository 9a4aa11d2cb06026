import type { StandardSchemaV1 } from '@anymq/core';

// Any Standard Schema would do (zod, valibot, arktype). These few lines spare the example a dependency.

type Check = (value: unknown) => boolean;

export const text: Check = (value) => typeof value === 'string' && value !== '';
/** A whole number from 0. */
export const count: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

/** An object that has these fields; what else it has is kept. */
export function record<T extends object>(fields: { readonly [K in keyof T]: Check }): StandardSchemaV1<T> {
  const checks = Object.entries<Check>(fields);
  const validate = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return { issues: [{ message: 'not an object' }] };
    const wrong = checks.filter(([name, fits]) => !fits((value as Record<string, unknown>)[name]));
    if (wrong.length === 0) return { value: value as T };
    return { issues: wrong.map(([name]) => ({ message: `wrong or missing: ${name}`, path: [name] })) };
  };
  return { '~standard': { version: 1, vendor: 'online-store', validate } };
}
