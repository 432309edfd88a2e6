// A child of `tranter work` that does nothing; the result says when it began, on a clock that all
// processes share.
import { createInterface } from 'node:readline';

createInterface({ input: process.stdin }).on('line', (line) => {
  const { message, id } = JSON.parse(line);
  if (message !== 'job') return;
  const result = `${process.hrtime.bigint()}`;
  process.stdout.write(`${JSON.stringify({ message: 'result', id, outcome: 'completed', result })}\n`);
});
