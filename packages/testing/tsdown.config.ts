import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    conformance: 'src/conformance.ts',
    brokers: 'src/brokers/index.ts',
    proxy: 'src/proxy/index.ts',
  },
  format: 'esm',
  dts: true,
  target: 'node22',
  platform: 'node',
  fixedExtension: false,
});
