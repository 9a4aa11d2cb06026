import { defineConfig } from 'tsdown';
import { base } from '../../tsdown.base.config.ts';

export default defineConfig({
  ...base,
  entry: {
    index: 'src/index.ts',
    conformance: 'src/conformance.ts',
    brokers: 'src/brokers/index.ts',
    proxy: 'src/proxy/index.ts',
  },
});
