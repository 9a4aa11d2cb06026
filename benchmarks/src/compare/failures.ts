import type { Contender } from './contender.ts';

/** What peers failed at. The product and the raw client may not fail: a comparison without them says nothing. */
export class Failures {
  readonly #roles: ReadonlyMap<string, Contender['role']>;
  readonly #failures = new Map<string, string[]>();

  constructor(contenders: readonly Contender[]) {
    this.#roles = new Map(contenders.map(({ name, role }) => [name, role]));
  }

  /** Once for an operation. @throws the error, when it is not a peer's */
  note(name: string, operation: string, error: unknown): void {
    if (this.#roles.get(name) !== 'peer') throw error;
    if (this.of(name).some((before) => before.startsWith(`${operation} (`))) return;
    const text = `${operation} (${error instanceof Error ? error.message : String(error)})`;
    console.error(`\n✗ ${name}: ${text}`);
    this.#failures.set(name, [...this.of(name), text]);
  }

  of(name: string): readonly string[] {
    return this.#failures.get(name) ?? [];
  }
}
