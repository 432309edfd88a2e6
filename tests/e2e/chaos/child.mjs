// A child that leaves one line in the journal for each job.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const { message, id, attempt, payload } = JSON.parse(line);
  if (message !== 'job') continue;
  say({ message: 'log', id, line: `job ${payload.n}` });
  // Longer than a third of a lease, so that it is renewed.
  if (payload.n % 97 === 0) await sleep(1000);
  appendFileSync(process.env.JOURNAL, `effect node ${payload.n} ${id} ${attempt}\n`);
  say({ message: 'result', id, outcome: 'completed', result: payload.n });
}
