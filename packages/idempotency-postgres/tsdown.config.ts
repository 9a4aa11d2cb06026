import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: { index: 'src/index.ts', database: 'src/database-entry.ts' },
  format: 'esm',
  dts: true,
  target: 'node22',
  platform: 'node',
  fixedExtension: false,
});
