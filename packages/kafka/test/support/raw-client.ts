import { createRequire } from 'node:module';
import { silentLogger } from '@anymq/core/driver';
import { Kafka, logLevel } from 'kafkajs';
import { mendKafkajs } from '../../src/mending.ts';

/** kafkajs itself, mended as our drivers mend it: one made before the first driver warned of a timer of a negative length. */
export function rawClient(broker: string): Kafka {
  mendKafkajs(createRequire(import.meta.url), silentLogger);
  return new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
}
