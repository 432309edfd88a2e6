// Enqueues a job for each word and prints its id: node producer.mjs mail ann bob
import { call } from './tranter-jobs.mjs';

const [queue, ...names] = process.argv.slice(2);
// One call for all of them: either all are enqueued or none.
const jobs = names.map((name) => ({ type: 'email.welcome', payload: { name }, tags: ['demo'] }));
for (const job of await call(`/v1/queues/${queue}/jobs`, jobs)) console.log(job.id);
