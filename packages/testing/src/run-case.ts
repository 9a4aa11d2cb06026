import type { Capabilities, Limits } from '@anymq/core/driver';
import { CaseContext } from './case-context.ts';
import { abandon, proveEmptyAndClose, proveNothingHeld } from './clean-up.ts';
import type { ConformanceCase, Group, Need } from './conformance-case.ts';
import { bounded } from './eventually.ts';
import type { Harness } from './harness.ts';
import type { ResourceWatch } from './resource-watch.ts';

/** What a case came to, of a driver or of a store. */
export type Verdict =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly error: unknown }
  /** `reason` says what the driver does not declare, or the harness does not offer. */
  | { readonly status: 'not-run'; readonly reason: string };

export type CaseResult = Verdict & {
  readonly group: Group;
  readonly name: string;
  readonly durationMs: number;
};

/** What all cases of a run share. */
export interface RunEnvironment {
  readonly harness: Harness;
  readonly capabilities: Capabilities;
  readonly limits: Limits;
  readonly timeScale: number;
  readonly watch: ResourceWatch;
}

/** How long a case may take, in milliseconds before scaling. */
export const caseLimitMs = 90_000;

let namespaces = 0;
/** Other runs may use the same broker at the same time. */
const run: string = Math.random().toString(36).slice(2, 8);

/** No other case has it, of this run or of others. */
export function freshNamespace(): string {
  return `t${run}-${(++namespaces).toString(36)}`;
}

/** Never rejects: what goes wrong is in the result. */
export async function runCase(each: ConformanceCase, environment: RunEnvironment): Promise<CaseResult> {
  const { group, name } = each;
  const startedAt = performance.now();
  const about = (): Pick<CaseResult, 'group' | 'name' | 'durationMs'> => ({
    group,
    name,
    durationMs: performance.now() - startedAt,
  });
  const reason = missing(each.needs ?? [], environment);
  if (reason !== undefined) return { ...about(), status: 'not-run', reason };
  try {
    await runBody(each, environment);
    return { ...about(), status: 'passed' };
  } catch (error) {
    return { ...about(), status: 'failed', error };
  }
}

async function runBody(each: ConformanceCase, environment: RunEnvironment): Promise<void> {
  const { watch, timeScale } = environment;
  const context = new CaseContext({ ...environment, namespace: freshNamespace() });
  const limitMs = caseLimitMs * timeScale;
  const work = async (): Promise<void> => {
    await each.run(context);
    await proveEmptyAndClose(context);
  };
  try {
    await bounded('The case', watch.run(context, work), limitMs);
  } catch (error) {
    await watch.run(context, () => abandon(context));
    throw error;
  }
  await proveNothingHeld(context, watch, context);
}

function missing(needs: readonly Need[], { harness, capabilities }: RunEnvironment): string | undefined {
  const lacking = needs.filter((need) => !isThere(need, harness, capabilities));
  if (lacking.length === 0) return undefined;
  const reasons = lacking.map((need) =>
    need in capabilities ? `the driver does not declare '${need}'` : `the harness has no '${need}'`,
  );
  return reasons.join(', ');
}

function isThere(need: Need, harness: Harness, capabilities: Capabilities): boolean {
  if (need === 'restartBroker' || need === 'cutConnections' || need === 'writeForeign')
    return harness[need] !== undefined;
  return capabilities[need];
}
