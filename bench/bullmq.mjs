// BullMQ as its users run it: what jobs_bench does, with the same words.
// Usage: node bullmq.mjs enqueue|process|both|latency PORT [jobs=N] [batch=N] [producers=N]
//                        [concurrency=N] [pid=SERVER]
import { readFileSync } from 'node:fs';
import { Queue, Worker } from 'bullmq';

const [mode, port, ...rest] = process.argv.slice(2);
const given = Object.fromEntries(rest.map((word) => word.split('=')));
const option = (name, value) => Number(given[name] ?? value);
const jobs = option('jobs', 20_000);
const batch = option('batch', 1);
const producers = option('producers', 1);
const concurrency = option('concurrency', 1);
const server = option('pid', 0);

const text = 'x'.repeat(225);
const connection = { host: '127.0.0.1', port: Number(port) };
const queue = new Queue('bench', { connection });

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

// A worker, and a promise that it has completed them all.
function work() {
  let left = jobs;
  let worker;
  const finished = new Promise((resolve, reject) => {
    worker = new Worker('bench', async () => {}, { connection, concurrency });
    worker.on('completed', () => {
      if (--left === 0) resolve();
    });
    worker.on('failed', (_, error) => reject(error));
  });
  return { worker, finished };
}

async function throughput() {
  if (mode === 'enqueue') {
    const figures = meter();
    await enqueueAll(batch, producers);
    return figures();
  }
  if (mode === 'process') await enqueueAll(1_000, 1);
  const figures = meter();
  const { worker, finished } = work();
  if (mode === 'both') await enqueueAll(batch, producers);
  await finished;
  const result = figures();
  await worker.close();
  return result;
}

async function latency() {
  let started;
  const worker = new Worker('bench', async () => started(performance.now()), {
    connection,
    concurrency,
  });
  await worker.waitUntilReady();
  const warmUp = jobs / 10;
  const times = [];
  for (let number = 0; number < jobs + warmUp; ++number) {
    const begin = new Promise((resolve) => {
      started = resolve;
    });
    const completed = new Promise((resolve) => worker.once('completed', resolve));
    const began = performance.now();
    await queue.add('noop', { number, text });
    const time = ((await begin) - began) * 1e3;
    if (number >= warmUp) times.push(time);
    await completed;
  }
  await worker.close();
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.ceil(times.length * share) - 1];
  return { p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), max_us: at(1) };
}

await queue.waitUntilReady();
console.log(JSON.stringify(mode === 'latency' ? await latency() : await throughput()));
await queue.close();
