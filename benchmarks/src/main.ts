import { placeholder } from '@anymq/core';

console.log(placeholder, typeof globalThis.gc, process.argv.slice(2));
