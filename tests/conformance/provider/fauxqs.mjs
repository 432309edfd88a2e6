// Starts fauxqs on a free loopback port and says which.
import { startFauxqs } from 'fauxqs';

const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
console.log(server.port);
