// Placeholder until the sources of this package come.
export const placeholder: 'core/driver' = 'core/driver';
