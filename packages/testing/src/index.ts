// Placeholder until the sources of this package come.
export const placeholder = 'testing/index';
