// Job queues on PostgreSQL as their users run them: what jobs_bench does, with the same words.
// Usage: node postgres_peers.mjs graphile|graphile_batched|pgboss|pgboss_batched|bullmq
//            enqueue|process|drain|flow|latency PORT [jobs=N] [batch=N] [producers=N] [concurrency=N]
//            [pid=SERVER] [backlog=N] [parts=N] [seconds=N]
import { enqueueAll, meter, optionsOf, percentiles, text } from './job_words.mjs';

const [peerName, mode, port, ...rest] = process.argv.slice(2);
const option = optionsOf(rest);
const jobs = option('jobs', 20_000);
const batch = option('batch', 1);
const producers = option('producers', 1);
const concurrency = option('concurrency', 1);
const server = option('pid', 0);
const connectionString = `postgres://postgres@127.0.0.1:${port}/postgres`;
const connectionsMax = 10;

// Each peer: add(payload), addMany(payloads), work(handler) -> a function that ends the worker, end().
async function graphile(batched) {
  const { Logger, makeWorkerUtils, run } = await import('graphile-worker');
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

async function throughput() {
  if (mode === 'enqueue') {
    const figures = meter(jobs, server);
    await enqueueAll(peer, { jobs, perCall: batch, producers });
    return figures();
  }
  if (mode === 'process') await enqueueAll(peer, { jobs, perCall: 1_000, producers: 1 });
  let left = jobs;
  let done;
  const finished = new Promise((resolve) => (done = resolve));
  const figures = meter(jobs, server);
  const stop = await peer.work(() => {
    if (--left === 0) done();
  });
  await finished;
  const result = figures();
  await stop();
  return result;
}

// A flow that keeps a small backlog: the rate of each part that was done in time.
async function flow() {
  const perCall = 1_000;
  const backlog = option('backlog', 20_000);
  const part = Math.floor(jobs / option('parts', 10));
  const rates = [];
  let handled = 0;
  let enough = () => {};
  let began;
  const stop = await peer.work(() => {
    if (++handled % part === 0) {
      rates.push(Math.round((part / (performance.now() - began)) * 1e3));
      began = performance.now();
    }
    enough();
  });
  const end = performance.now() + option('seconds', 3_600) * 1e3;
  began = performance.now();
  const reach = (wanted) =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, end - performance.now()));
      enough = () => {
        if (handled < wanted) return;
        clearTimeout(timer);
        resolve(true);
      };
      enough();
    });
  let inTime = true;
  for (let from = 0; inTime && from < jobs; from += perCall) {
    inTime = await reach(from + perCall - backlog);
    if (!inTime) break;
    await peer.addMany(Array.from({ length: perCall }, (_, i) => ({ number: from + i, text })));
  }
  if (inTime) await reach(jobs);
  if (inTime) await stop();
  return { rates };
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
  return percentiles(times);
}

const measured = { latency, flow }[mode] ?? throughput;
console.log(JSON.stringify(await measured()));
if (mode !== 'flow') await peer.end();
process.exit(0);
