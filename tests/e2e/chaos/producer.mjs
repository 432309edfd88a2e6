// Sends jobs as messages with the SDK of AWS, at a pace, and prints "NUMBER ID" for each that was
// acknowledged; at the end how many requests were repeated.
// Usage: node producer.mjs QUEUE-URL FIRST COUNT PER-SECOND TYPE...
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(new URL('../../conformance/node/', import.meta.url));
const { SendMessageBatchCommand, SQSClient } = require('@aws-sdk/client-sqs');

const [QueueUrl, first, count, perSecond, ...types] = process.argv.slice(2);
const sqs = new SQSClient({
  endpoint: new URL(QueueUrl).origin,
  region: 'us-east-1',
  credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  maxAttempts: 3,
});
const batch = 10;
const streams = 4;
let repeated = 0;

function entry(number) {
  return {
    Id: `${number}`,
    MessageBody: JSON.stringify({ n: number }),
    MessageAttributes: {
      type: { DataType: 'String', StringValue: types[number % types.length] },
    },
  };
}

// A server that is being restarted is asked again until it answers.
async function send(entries) {
  while (entries.length > 0) {
    let answer;
    try {
      answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: entries }));
    } catch (error) {
      repeated += error.$metadata?.attempts ?? 1;
      await sleep(50);
      continue;
    }
    repeated += answer.$metadata.attempts - 1;
    for (const { Id, MessageId } of answer.Successful ?? []) console.log(`${Id} ${MessageId}`);
    const failed = new Set((answer.Failed ?? []).map(({ Id }) => Id));
    entries = entries.filter(({ Id }) => failed.has(Id));
    if (entries.length > 0) await sleep(50);
  }
}

const end = Number(first) + Number(count);
const begun = performance.now();
let next = Number(first);
async function produce() {
  while (next < end) {
    const from = next;
    next = Math.min(end, next + batch);
    const due = begun + ((from - first) / perSecond) * 1000;
    if (due > performance.now()) await sleep(due - performance.now());
    await send(Array.from({ length: Math.min(batch, end - from) }, (_, i) => entry(from + i)));
  }
}
await Promise.all(Array.from({ length: streams }, produce));
console.log(`repeated ${repeated}`);
