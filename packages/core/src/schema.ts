import { AnymqError } from './errors.ts';

/** The Standard Schema interface (https://standardschema.dev, version 1), which zod, valibot, arktype and others implement. */
export interface StandardSchemaV1<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Out> | Promise<StandardResult<Out>>;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}
export type StandardResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The parsed output. INVALID_MESSAGE names the paths that failed and never shows a value; a schema's own words may quote one. */
export function validate<Out>(schema: StandardSchemaV1<unknown, Out>, value: unknown): Out | Promise<Out> {
  const result = schema['~standard'].validate(value);
  // A promise may be another library's, or another realm's.
  return 'then' in result ? Promise.resolve(result).then(unwrap) : unwrap(result);
}

function unwrap<Out>(result: StandardResult<Out>): Out {
  if (result.issues === undefined) return result.value;
  const paths = result.issues.slice(0, 5).map(pathOf).join(', ');
  throw new AnymqError('INVALID_MESSAGE', `The body does not match its schema at ${paths}. Send a body that does.`);
}

function pathOf(issue: StandardIssue): string {
  const path = issue.path ?? [];
  if (path.length === 0) return 'its root';
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
