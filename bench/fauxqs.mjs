// Starts fauxqs on a loopback port without its request log, which would be most of its cost.
// Usage: node fauxqs.mjs PORT
import { startFauxqs } from 'fauxqs';

await startFauxqs({ port: Number(process.argv[2]), host: '127.0.0.1', logger: false });
