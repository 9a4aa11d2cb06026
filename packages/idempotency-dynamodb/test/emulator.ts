// dynalite in a process of its own: it computes for each key, and would hold up the stores that are tested. Tells its port,
// and ends with whoever started it.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';

const server = dynalite({ createTableMs: 0 }).listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('disconnect', () => process.exit());
process.send?.((server.address() as AddressInfo).port);
