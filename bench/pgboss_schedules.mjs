// pg-boss's schedules and deferred jobs, for what schedule_bench does with ours.
// Usage: node pgboss_schedules.mjs fill PORT spread|same|far N [at=MS]
//        node pgboss_schedules.mjs fill_jobs PORT same|far N [at=MS]
//        node pgboss_schedules.mjs watch PORT N [at=MS] [kind=spread] [pass=SECONDS]
//        node pgboss_schedules.mjs idle PORT
// It looks at all schedules every 30 seconds, or every second at best (pass=1), and sends one job for
// each that was due in the last minute. Its worker asks every half second, which is the shortest: by
// NOTIFY it hears of what is sent, but not of what becomes due.
import { PgBoss } from 'pg-boss';
import { far, given, lateness, payload, print, rateOf, same, spread } from './schedule_words.mjs';

const { mode, port, words, at, options } = given();
const scheduling = mode === 'watch' || mode === 'idle';
const pass = options.pass ? Number(options.pass) : undefined;
const boss = new PgBoss({
  connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`,
  schedule: scheduling,
  supervise: scheduling,
  ...(pass && { cronMonitorIntervalSeconds: pass, cronWorkerIntervalSeconds: pass }),
});
boss.on('error', (error) => console.error(error));
await boss.start();
await boss.createQueue('bench');
const inFlight = 10; // as many as it has connections

async function fill(kind, count) {
  const expression = { spread, same, far }[kind];
  const done = rateOf(count);
  let next = 0;
  const register = async () => {
    while (next < count) {
      const number = next++;
      await boss.schedule('bench', expression(number, at), payload(number), { key: `${kind}-${number}` });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, register));
  return done();
}

async function fillJobs(kind, count) {
  const startAfter = (number) => new Date(kind === 'far' ? Date.now() + 30 * 86_400_000 + number * 1000 : at);
  const done = rateOf(count);
  for (let from = 0; from < count; from += 1000) {
    const size = Math.min(1000, count - from);
    await boss.insert('bench', Array.from({ length: size }, (_, index) => ({
      data: payload(from + index), startAfter: startAfter(from + index),
    })));
  }
  return done();
}

async function watch(count) {
  const sent = lateness();
  const begun = lateness();
  let left = count;
  await new Promise((resolve) => {
    const asks = { batchSize: 100, pollingIntervalSeconds: 0.5, includeMetadata: true };
    boss.work('bench', asks, async (jobs) => {
      for (const job of jobs) {
        const slot = at + (options.kind === 'spread' ? (job.data.number % 60) * 1000 : 0);
        sent.add(Math.max(job.createdOn.getTime() - slot, 0)); // a deferred job was sent before
        begun.add(Date.now() - slot);
        if (--left === 0) resolve();
      }
    }).then(() => console.log('ready'));
  });
  return { ...sent.figures('enqueue'), ...begun.figures('start') };
}

if (mode === 'idle') {
  await boss.work('bench', async () => {});
  console.log('ready');
} else {
  if (mode === 'watch') print(await watch(Number(words[0])));
  else print(await (mode === 'fill' ? fill : fillJobs)(words[0], Number(words[1])));
  await boss.stop({ graceful: false });
}
