import type { UserConfig } from 'tsdown';

/** How every package is built; each adds its entries. */
export const base: UserConfig = {
  format: 'esm',
  dts: true,
  target: 'node22',
  platform: 'node',
  fixedExtension: false,
};
