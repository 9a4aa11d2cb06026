import { placeholder as core } from '@anymq/core';
import { placeholder as memory } from '@anymq/memory';

console.log(JSON.stringify({ placeholder: [core, memory], arguments: process.argv.slice(2) }));
