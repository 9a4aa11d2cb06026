/** Seeds of inputs that a decoder once failed on. */
export const regressions: readonly { readonly target: string; readonly seed: number }[] = [
  { target: 'redis-streams', seed: 42 },
  { target: 'redis-streams', seed: 1_013_904_268 },
  { target: 'rabbitmq', seed: 2_471_588_069 },
  { target: 'rabbitmq', seed: 3_980_676_457 },
  { target: 'configuration', seed: 774_553_876 },
  { target: 'configuration', seed: 1_605_610_368 },
];
