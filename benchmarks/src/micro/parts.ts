/** What a function's source file belongs to. The first that matches counts. */
const parts: readonly (readonly [part: string, file: RegExp])[] = [
  ['codec and wire', /core\/src\/(?:produce\/(?:build-message|random-id)|wire|codec)/],
  ['batching', /core\/src\/produce\//],
  ['decode', /core\/src\/consume\/decode/],
  ['middleware', /core\/src\/(?:middleware\/|client\/compose)/],
  ['lanes', /core\/src\/consume\/lanes/],
  ['settle', /core\/src\/consume\/(?:settle|outcome|decide|failure)/],
  ['fetch and dispatch', /core\/src\/consume\//],
  ['rest of core', /core\/src\//],
  ['driver', /\/stub-driver/],
  ['handler and benchmark', /benchmarks\/src\//],
];

/** Frames that are no source's: what V8 calls them. */
const own: Readonly<Record<string, string>> = {
  '(garbage collector)': 'garbage collector',
  '(idle)': 'idle',
  '(program)': 'Node and V8',
  '(root)': 'Node and V8',
};

export interface Frame {
  readonly functionName: string;
  readonly url: string;
}

/** All parts, in the order in which they are shown. */
export const partNames: readonly string[] = [...parts.map(([part]) => part), 'garbage collector', 'Node and V8'];

export function partOf({ functionName, url }: Frame): string {
  if (Object.hasOwn(own, functionName)) return own[functionName] as string;
  return parts.find(([, file]) => file.test(url))?.[0] ?? 'Node and V8';
}
