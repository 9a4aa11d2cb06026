console.log(typeof globalThis.gc, process.argv.slice(2));
