// BullMQ as its users run it: what jobs_bench does, with the same words.
// Usage: node bullmq.mjs enqueue|process|both|latency PORT [jobs=N] [batch=N] [producers=N]
//                        [concurrency=N] [pid=SERVER] [sandbox=1]
// With sandbox=1 jobs are done by processes of their own, as BullMQ does it when it is given a file.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Queue, Worker } from 'bullmq';

const [mode, port, ...rest] = process.argv.slice(2);
const given = Object.fromEntries(rest.map((word) => word.split('=')));
const option = (name, value) => Number(given[name] ?? value);
const jobs = option('jobs', 20_000);
const batch = option('batch', 1);
const producers = option('producers', 1);
const concurrency = option('concurrency', 1);
const server = option('pid', 0);
const sandbox = option('sandbox', 0) === 1;

const text = 'x'.repeat(225);
const connection = { host: '127.0.0.1', port: Number(port) };
const queue = new Queue('bench', { connection });
const options = { connection, concurrency };
const sandboxFile = fileURLToPath(new URL('bullmq_processor.mjs', import.meta.url));

// User and system seconds of all threads of the server, in clock ticks of 10 ms.
function serverCpu() {
  if (server === 0) return 0;
  const fields = readFileSync(`/proc/${server}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function meter() {
  const began = performance.now();
  const client = process.cpuUsage();
  const before = serverCpu();
  return () => {
    const seconds = (performance.now() - began) / 1e3;
    const used = process.cpuUsage(client);
    return {
      rate: Math.round(jobs / seconds),
      client_us: (used.user + used.system) / jobs,
      server_us: ((serverCpu() - before) / jobs) * 1e6,
    };
  };
}

async function enqueueAll(perCall, count) {
  let next = 0;
  const produce = async () => {
    while (next < jobs) {
      const from = next;
      next = Math.min(next + perCall, jobs);
      if (perCall === 1) {
        await queue.add('noop', { number: from, text });
        continue;
      }
      const many = [];
      for (let number = from; number < next; ++number)
        many.push({ name: 'noop', data: { number, text } });
      await queue.addBulk(many);
    }
  };
  await Promise.all(Array.from({ length: count }, produce));
}

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
    const figures = meter();
    await enqueueAll(batch, producers);
    return figures();
  }
  if (mode === 'process') await enqueueAll(1_000, 1);
  let figures = meter();
  const { worker, warm, finished } = work();
  if (sandbox) {
    await warm;
    figures = meter();
  }
  if (mode === 'both') await enqueueAll(batch, producers);
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
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.ceil(times.length * share) - 1];
  return { p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), max_us: at(1) };
}

await queue.waitUntilReady();
console.log(JSON.stringify(mode === 'latency' ? await latency() : await throughput()));
await queue.close();
