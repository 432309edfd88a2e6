// Runs the jobs of a queue, up to four at a time, until SIGTERM or Ctrl-C: node worker.mjs mail
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from './tranter-jobs.mjs';

const queue = process.argv[2];
const concurrency = 4;
const leaseSeconds = 30; // the server gives a job to another worker when it hears nothing for so long
const lease = `${leaseSeconds}s`;

const handlers = {
  async 'email.welcome'({ name }) {
    if (!name) throw new Error('the payload has no name');
    console.log(`welcome, ${name}`);
    return { greeted: name };
  },
};

/** What the server should be told about an attempt. */
async function outcomeOf(job) {
  const handler = handlers[job.type];
  if (!handler) return { outcome: 'dead', reason: `no handler for ${job.type}` };
  try {
    return { outcome: 'completed', result: (await handler(job.payload)) ?? null };
  } catch (error) {
    // The server tries again, as the retry policy of the job says.
    return { outcome: 'failed', error: { type: error.name, text: error.stack ?? `${error}` } };
  }
}

async function run(job) {
  const beat = () =>
    call(`/v1/queues/${queue}/extend`, { receipts: [job.receipt], lease }).catch((error) =>
      console.error(`cannot renew the lease: ${error.message}`),
    );
  const heartbeat = setInterval(beat, (leaseSeconds * 1000) / 3);
  const outcome = await outcomeOf(job);
  clearInterval(heartbeat);
  const settlements = [{ receipt: job.receipt, ...outcome }];
  const { results } = await call(`/v1/queues/${queue}/settle`, { settlements });
  for (const { error } of results) if (error) console.error(`job ${job.id}: ${error.detail}`);
}

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => stop.abort());

const worker = `${os.hostname()}-${process.pid}`;
const request = { jobs_max: 1, lease, wait: '20s', worker };

async function work() {
  while (!stop.signal.aborted) {
    try {
      // An aborted call gives back what it would have received.
      const { jobs } = await call(`/v1/queues/${queue}/receive`, request, stop.signal);
      for (const job of jobs) await run(job);
    } catch (error) {
      if (stop.signal.aborted) return;
      console.error(`${error.message}; trying again`);
      await sleep(1000);
    }
  }
}
await Promise.all(Array.from({ length: concurrency }, work));
