// BullMQ's job schedulers and delayed jobs, for what schedule_bench does with ours.
// Usage: node bullmq_schedules.mjs fill PORT spread|same|far N [at=MS]
//        node bullmq_schedules.mjs fill_jobs PORT same|far N [at=MS]
//        node bullmq_schedules.mjs watch PORT N [at=MS]
//        node bullmq_schedules.mjs idle PORT
// A job scheduler puts a delayed job into Redis; the job of the slot after it is made when a worker
// takes this one. So nothing happens without a worker, and what can be seen is when its handler starts.
import { Queue, Worker } from 'bullmq';
import { far, given, lateness, payload, print, rateOf, same, spread } from './schedule_words.mjs';

const { mode, port, words, at } = given();
const connection = { host: '127.0.0.1', port };
const inFlight = 200; // calls

async function fill(queue, kind, count) {
  const pattern = { spread, same, far }[kind];
  const done = rateOf(count);
  let next = 0;
  const register = async () => {
    while (next < count) {
      const number = next++;
      const repeat = { pattern: pattern(number, at), tz: 'UTC' };
      await queue.upsertJobScheduler(`${kind}-${number}`, repeat, { name: 'noop', data: payload(number) });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, register));
  return done();
}

async function fillJobs(queue, kind, count) {
  const now = Date.now();
  const delay = (number) => (kind === 'far' ? 30 * 86_400_000 + number * 1000 : at - Date.now());
  const done = rateOf(count);
  for (let from = 0; from < count; from += 1000) {
    const size = Math.min(1000, count - from);
    await queue.addBulk(Array.from({ length: size }, (_, index) => ({
      name: 'noop', data: payload(from + index), opts: { timestamp: now, delay: delay(from + index) },
    })));
  }
  return done();
}

async function watch(count) {
  const begun = lateness();
  let left = count;
  let worker;
  await new Promise((resolve) => {
    worker = new Worker('bench', async (job) => {
      const slot = job.repeatJobKey ? Number(job.id.split(':').at(-1)) : at;
      begun.add(Date.now() - slot);
      if (--left === 0) resolve();
    }, { connection, concurrency: 100 });
    worker.waitUntilReady().then(() => console.log('ready'));
  });
  await worker.close();
  return begun.figures('start');
}

if (mode === 'watch') {
  print(await watch(Number(words[0])));
} else if (mode === 'idle') {
  const worker = new Worker('bench', async () => {}, { connection });
  await worker.waitUntilReady();
  console.log('ready');
} else {
  const queue = new Queue('bench', { connection });
  print(await (mode === 'fill' ? fill : fillJobs)(queue, words[0], Number(words[1])));
  await queue.close();
}
