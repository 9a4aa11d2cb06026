/** Seeds of inputs that a decoder once failed on. */
export const regressions: readonly { readonly target: string; readonly seed: number }[] = [
  { target: 'redis-streams', seed: 42 },
  { target: 'redis-streams', seed: 1_013_904_268 },
  { target: 'rabbitmq', seed: 2_471_588_069 },
  { target: 'rabbitmq', seed: 3_980_676_457 },
  { target: 'configuration', seed: 774_553_876 },
  { target: 'configuration', seed: 1_605_610_368 },
  { target: 'kafka-progress', seed: 2_027_808_455 },
  { target: 'kafka-progress', seed: 3_189_639_206 },
  { target: 'options', seed: 2_732_519_871 },
  { target: 'options', seed: 3_924_173_760 },
  { target: 'options', seed: 1_864_587_717 },
];
