import { defineConfig } from 'tsdown';
import { base } from '../../tsdown.base.config.ts';

export default defineConfig({
  ...base,
  entry: ['src/index.ts', 'src/lambda.ts', 'src/move.ts'],
});
