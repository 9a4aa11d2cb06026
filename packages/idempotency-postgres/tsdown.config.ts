import { defineConfig } from 'tsdown';
import { base } from '../../tsdown.base.config.ts';

export default defineConfig({
  ...base,
  entry: { index: 'src/index.ts', database: 'src/database-entry.ts' },
});
