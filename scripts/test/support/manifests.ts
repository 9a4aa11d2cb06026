import type { ExportTarget, Manifest } from './workspace.ts';

/** One sentence per field of a published package.json that is missing or at odds with another. */
export function manifestFaults(folder: string, manifest: Manifest): readonly string[] {
  const shape: readonly (readonly [boolean, string])[] = [
    [manifest.type === 'module', '"type" is "module"'],
    [manifest.license === 'MIT', '"license" is "MIT"'],
    [manifest.sideEffects === false, '"sideEffects" is false'],
    [manifest.engines?.node === '>=22', '"engines.node" is ">=22"'],
    [/^dist( images)?$/.test(manifest.files?.join(' ') ?? ''), '"files" is ["dist"], or "images" beside it'],
  ];
  const wrong = shape
    .filter(([holds]) => !holds)
    .map(([, rule]) => `${folder}/package.json breaks the rule that ${rule}`);
  return [...wrong, ...exportFaults(folder, manifest)];
}

function exportFaults(folder: string, { exports = {}, publishConfig }: Manifest): readonly string[] {
  const published = Object.fromEntries(
    Object.entries(exports).map(([entry, target]) => [entry, withoutSource(target)]),
  );
  const faults = Object.entries(exports)
    .filter(([, target]) => typeof target !== 'string' && Object.keys(target)[0] !== 'source')
    .map(([entry]) => `${folder}/package.json: "${entry}" does not begin with the condition "source"`);
  if (JSON.stringify(published) === JSON.stringify(publishConfig?.exports)) return faults;
  return [...faults, `${folder}/package.json: "publishConfig.exports" is not "exports" without "source"`];
}

function withoutSource(target: ExportTarget): ExportTarget {
  return typeof target === 'string' ? target : { types: target.types, default: target.default };
}

/** The files that an exports map points to, from the root of the workspace. */
export function exportTargets(folder: string, { exports = {} }: Manifest): readonly string[] {
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  return targets.map((target) => target.replace(/^\./, folder));
}
