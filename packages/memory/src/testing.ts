// Placeholder until the sources of this package come.
export const placeholder = 'memory/testing';
