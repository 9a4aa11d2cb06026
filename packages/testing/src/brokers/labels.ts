/** The labels by which containers are found again. */
export const labels = {
  /** `run`: belongs to a process and ends with it; `up`: a person started it and will stop it. */
  use: 'anymq.use',
  /** Which process started it. */
  run: 'anymq.run',
  /** The broker that it is, or is a part of. */
  broker: 'anymq.broker',
  /** Its place among the broker's containers, from 0. */
  part: 'anymq.part',
  /** The port of 127.0.0.1 that it is published on. */
  port: 'anymq.port',
} as const;
