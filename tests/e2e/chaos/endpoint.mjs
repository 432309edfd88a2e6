// An endpoint that leaves one line in the journal for each job. Usage: node endpoint.mjs PORT
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const { id, attempt, payload } = JSON.parse(Buffer.concat(pieces));
    appendFileSync(process.env.JOURNAL, `effect http ${payload.n} ${id} ${attempt}\n`);
    response.end(`${payload.n}`);
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
