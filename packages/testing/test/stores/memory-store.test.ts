import { testIdempotencyStore } from '../../src/index.ts';
import { memoryHarness } from './memory-harness.ts';

testIdempotencyStore(memoryHarness());
