// BullMQ as its users run it: what jobs_bench does, with the same words.
// Usage: node bullmq.mjs enqueue|process|both|latency PORT [jobs=N] [batch=N] [producers=N]
//                        [concurrency=N] [pid=SERVER] [sandbox=1]
// With sandbox=1 jobs are done by processes of their own, as BullMQ does it when it is given a file.
import { fileURLToPath } from 'node:url';
import { Queue, Worker } from 'bullmq';
import { enqueueAll, meter, optionsOf, percentiles, text } from './job_words.mjs';

const [mode, port, ...rest] = process.argv.slice(2);
const option = optionsOf(rest);
const jobs = option('jobs', 20_000);
const batch = option('batch', 1);
const producers = option('producers', 1);
const concurrency = option('concurrency', 1);
const server = option('pid', 0);
const sandbox = option('sandbox', 0) === 1;

const connection = { host: '127.0.0.1', port: Number(port) };
const queue = new Queue('bench', { connection });
const options = { connection, concurrency };
const peer = {
  add: (payload) => queue.add('noop', payload),
  addMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'noop', data }))),
};
const sandboxFile = fileURLToPath(new URL('bullmq_processor.mjs', import.meta.url));

// A worker, a promise that its processes have started (by some jobs more than are asked for), and one
// that it has completed them all.
function work() {
  let done = 0;
  let worker;
  const extra = sandbox ? 200 : 0;
  let warmed;
  const warm = new Promise((resolve) => (warmed = resolve));
  if (extra === 0) warmed();
  const finished = new Promise((resolve, reject) => {
    worker = new Worker('bench', sandbox ? sandboxFile : async () => {}, options);
    worker.on('completed', () => {
      if (++done === extra) warmed();
      if (done === jobs + extra) resolve();
    });
    worker.on('failed', (_, error) => reject(error));
  });
  if (extra > 0) queue.addBulk(Array.from({ length: extra }, () => ({ name: 'noop', data: {} })));
  return { worker, warm, finished };
}

async function throughput() {
  if (mode === 'enqueue') {
    const figures = meter(jobs, server);
    await enqueueAll(peer, { jobs, perCall: batch, producers });
    return figures();
  }
  if (mode === 'process') await enqueueAll(peer, { jobs, perCall: 1_000, producers: 1 });
  let figures = meter(jobs, server);
  const { worker, warm, finished } = work();
  if (sandbox) {
    await warm;
    figures = meter(jobs, server);
  }
  if (mode === 'both') await enqueueAll(peer, { jobs, perCall: batch, producers });
  await finished;
  const result = figures();
  await worker.close();
  return result;
}

// The processor says when it began, on a clock that all processes share.
async function latency() {
  const processor = sandbox ? sandboxFile : async () => `${process.hrtime.bigint()}`;
  const worker = new Worker('bench', processor, options);
  await worker.waitUntilReady();
  const warmUp = jobs / 10;
  const times = [];
  for (let number = 0; number < jobs + warmUp; ++number) {
    const completed = new Promise((resolve) => worker.once('completed', (_, result) => resolve(result)));
    const began = process.hrtime.bigint();
    await queue.add('noop', { number, text });
    const time = Number(BigInt(await completed) - began) / 1e3;
    if (number >= warmUp) times.push(time);
  }
  await worker.close();
  return percentiles(times);
}

await queue.waitUntilReady();
console.log(JSON.stringify(mode === 'latency' ? await latency() : await throughput()));
await queue.close();
