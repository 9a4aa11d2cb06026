// Until @anymq/core/driver exports them.
export { createWireFormat } from '../../core/src/wire.ts';
export { partitionOf } from '../../core/src/wire-partition.ts';
