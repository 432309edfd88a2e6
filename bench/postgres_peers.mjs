// Job queues on PostgreSQL as their users run them: what jobs_bench does, with the same words.
// Usage: node postgres_peers.mjs graphile|graphile_batched|pgboss|pgboss_batched|bullmq
//            enqueue|process|latency PORT [jobs=N] [batch=N] [producers=N] [concurrency=N] [pid=SERVER]
import { readFileSync } from 'node:fs';

const [peerName, mode, port, ...rest] = process.argv.slice(2);
const given = Object.fromEntries(rest.map((word) => word.split('=')));
const option = (name, value) => Number(given[name] ?? value);
const jobs = option('jobs', 20_000);
const batch = option('batch', 1);
const producers = option('producers', 1);
const concurrency = option('concurrency', 1);
const server = option('pid', 0);
const connectionString = `postgres://postgres@127.0.0.1:${port}/postgres`;
const connectionsMax = 10;
const text = 'x'.repeat(225);

// User and system seconds of all processes of the server, in clock ticks of 10 ms.
function serverCpu() {
  if (server === 0) return 0;
  const fieldsOf = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const sum = (fields, ...positions) =>
    positions.reduce((total, position) => total + Number(fields[position]), 0);
  let ticks = sum(fieldsOf(server), 11, 12, 13, 14);
  for (const child of readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').split(' ')) {
    if (child === '') continue;
    try {
      ticks += sum(fieldsOf(child), 11, 12);
    } catch {
      // it has ended since, and counts with the others that have
    }
  }
  return ticks / 100;
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

// Each peer: add(payload), addMany(payloads), work(handler) -> a function that ends the worker, end().
async function graphile(batched) {
  const { makeWorkerUtils, run } = await import('graphile-worker');
  const { Logger } = await import('graphile-worker');
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString, maxPoolSize: connectionsMax, logger });
  await utils.migrate();
  const size = Math.max(500, concurrency);
  return {
    add: (payload) => utils.addJob('noop', payload),
    addMany: (payloads) =>
      utils.addJobs(payloads.map((payload) => ({ identifier: 'noop', payload }))),
    work: async (handler) => {
      const runner = await run({
        logger, noHandleSignals: true, taskList: { noop: (payload) => handler(payload) },
        preset: {
          worker: {
            connectionString, maxPoolSize: connectionsMax, concurrentJobs: concurrency,
            ...(batched && { localQueue: { size }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }),
          },
        },
      });
      return () => runner.stop();
    },
    end: () => utils.release(),
  };
}

async function pgboss(batched) {
  const { PgBoss } = await import('pg-boss');
  const boss = new PgBoss({ connectionString, max: connectionsMax, useListenNotify: true });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue('bench', { notify: true });
  return {
    add: (payload) => boss.send('bench', payload),
    addMany: (payloads) => boss.insert('bench', payloads.map((data) => ({ data }))),
    work: async (handler) => {
      const asks = { batchSize: batched ? 500 : 1, pollingIntervalSeconds: 0.5,
                     ...(batched ? { burstWhenBatchFull: true } : { localConcurrency: concurrency }) };
      await boss.work('bench', asks, async (found) => {
        for (const job of found) await handler(job.data);
      });
      return async () => {};
    },
    end: () => boss.stop({ graceful: false }),
  };
}

async function bullmq() {
  const { Queue, Worker, setDefaultBackendFactory, createPostgresBackend } = await import('bullmq');
  setDefaultBackendFactory(createPostgresBackend);
  const connection = { connectionString, max: connectionsMax, migrate: true };
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
  return {
    add: (payload) => queue.add('noop', payload),
    addMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'noop', data }))),
    work: async (handler) => {
      const worker = new Worker('bench', async (job) => handler(job.data), { connection, concurrency });
      await worker.waitUntilReady();
      return () => worker.close();
    },
    end: () => queue.close(),
  };
}

const peers = {
  graphile: () => graphile(false), graphile_batched: () => graphile(true),
  pgboss: () => pgboss(false), pgboss_batched: () => pgboss(true), bullmq,
};
const peer = await peers[peerName]();

async function enqueueAll(perCall, count) {
  let next = 0;
  const produce = async () => {
    while (next < jobs) {
      const from = next;
      next = Math.min(next + perCall, jobs);
      if (perCall === 1) {
        await peer.add({ number: from, text });
        continue;
      }
      const many = [];
      for (let number = from; number < next; ++number) many.push({ number, text });
      await peer.addMany(many);
    }
  };
  await Promise.all(Array.from({ length: count }, produce));
}

async function throughput() {
  if (mode === 'enqueue') {
    const figures = meter();
    await enqueueAll(batch, producers);
    return figures();
  }
  await enqueueAll(1_000, 1);
  let left = jobs;
  let done;
  const finished = new Promise((resolve) => (done = resolve));
  const figures = meter();
  const stop = await peer.work(() => {
    if (--left === 0) done();
  });
  await finished;
  const result = figures();
  await stop();
  return result;
}

async function latency() {
  let heard;
  const stop = await peer.work(() => heard(process.hrtime.bigint()));
  const warmUp = jobs / 10;
  const times = [];
  for (let number = 0; number < jobs + warmUp; ++number) {
    const begun = new Promise((resolve) => (heard = resolve));
    const began = process.hrtime.bigint();
    await peer.add({ number, text });
    const time = Number((await begun) - began) / 1e3;
    if (number >= warmUp) times.push(time);
    // The next one finds a worker that waits.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await stop();
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.ceil(times.length * share) - 1];
  return { p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), max_us: at(1) };
}

console.log(JSON.stringify(mode === 'latency' ? await latency() : await throughput()));
await peer.end();
process.exit(0);
