import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts', 'src/lambda.ts'],
  format: 'esm',
  dts: true,
  target: 'node22',
  platform: 'node',
  fixedExtension: false,
});
