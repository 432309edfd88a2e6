// sqs-producer and sqs-consumer over the v3 SDK: what programs really run.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";
import { Producer } from "sqs-producer";
import {
  credentials,
  eventually,
  longPollWaits,
  messageAttributes,
  plain,
  redrivePolicy,
  region,
  unique,
  useServer,
} from "./support.mjs";

const server = useServer();
let client;
const connect = () =>
  (client ??= new SQSClient({ endpoint: server.endpoint, region, credentials, maxAttempts: 1 }));

async function create(name, Attributes = {}) {
  return (await connect().send(new CreateQueueCommand({ QueueName: name, Attributes }))).QueueUrl;
}

async function attributes(QueueUrl) {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
  return (await connect().send(command)).Attributes;
}

const produce = (queueUrl) => Producer.create({ queueUrl, region, sqs: connect() });

/** Runs a consumer until `done()`, and fails on any error it reports. */
async function consume(queueUrl, options, done) {
  const errors = [];
  const consumer = Consumer.create({
    queueUrl,
    sqs: connect(),
    waitTimeSeconds: 5,
    messageAttributeNames: ["All"],
    ...options,
  });
  for (const event of ["error", "timeout_error"]) consumer.on(event, (e) => errors.push(e));
  consumer.on("processing_error", () => {});
  consumer.start();
  try {
    await eventually(done);
    await eventually(() => errors.length > 0 || done());
    assert.deepEqual(errors, []);
  } finally {
    const stopped = new Promise((resume) => consumer.once("stopped", resume));
    consumer.stop({ abort: true });
    await stopped;
  }
}

const isEmpty = async (queue) => {
  const found = await attributes(queue);
  return (
    found.ApproximateNumberOfMessages === "0" && found.ApproximateNumberOfMessagesNotVisible === "0"
  );
};

test("the producer reads the exact size of the queue", async () => {
  const producer = produce(await create(unique()));

  await producer.send(["one", "two"]);
  await producer.send({ id: "three", body: "3", messageAttributes, delaySeconds: 0 });

  assert.equal(await producer.queueSize(), 3);
});

test("the producer sends more than one batch", async () => {
  const producer = produce(await create(unique()));
  const many = Array.from({ length: 25 }, (_, n) => ({ id: `id${n}`, body: `body ${n}` }));

  const results = await producer.send(many);

  assert.equal(results.length, 25);
  assert.equal(await producer.queueSize(), 25);
});

test("a consumer handles and deletes what is sent while it waits", async () => {
  const queue = await create(unique());
  const handled = [];
  const consumed = consume(
    queue,
    { handleMessage: async (message) => handled.push(message) },
    async () => handled.length === 1 && (await isEmpty(queue)),
  );
  await longPollWaits(server, queue);

  await produce(queue).send({ id: "a", body: "ü😀\r\n", messageAttributes });

  await consumed;
  assert.equal(handled[0].Body, "ü😀\r\n");
  assert.deepEqual(plain(handled[0].MessageAttributes), messageAttributes);
});

test("a consumer of batches", async () => {
  const queue = await create(unique());
  const handled = [];
  await produce(queue).send(Array.from({ length: 25 }, (_, n) => `m${n}`));

  await consume(
    queue,
    {
      batchSize: 10,
      handleMessageBatch: async (messages) => {
        handled.push(...messages.map((message) => message.Body));
      },
    },
    async () => handled.length >= 25 && (await isEmpty(queue)),
  );

  assert.equal(new Set(handled).size, 25);
  assert.equal(handled.length, 25);
});

test("a handler that fails sends its message to the dead-letter queue", async () => {
  const dlq = await create(unique());
  const { QueueArn } = await attributes(dlq);
  const queue = await create(unique(), { RedrivePolicy: redrivePolicy(QueueArn, 2) });
  let attempts = 0;
  await produce(queue).send("poison");

  await consume(
    queue,
    {
      terminateVisibilityTimeout: true,
      handleMessage: async () => {
        attempts += 1;
        throw new Error("no");
      },
    },
    async () => (await attributes(dlq)).ApproximateNumberOfMessages === "1",
  );

  assert.equal(attempts, 2);
});

test("a heartbeat extends the visibility of a slow message", async () => {
  const queue = await create(unique(), { VisibilityTimeout: "2" });
  let deliveries = 0;
  let finish;
  const finished = new Promise((resume) => (finish = resume));
  await produce(queue).send("slow");

  const consumed = consume(
    queue,
    {
      visibilityTimeout: 2,
      heartbeatInterval: 1,
      handleMessage: async () => {
        deliveries += 1;
        await finished;
      },
    },
    async () => deliveries > 0 && (await isEmpty(queue)),
  );
  // A second consumer waits longer than the timeout of the first one and must get nothing.
  const command = new ReceiveMessageCommand({ QueueUrl: queue, WaitTimeSeconds: 4 });
  await eventually(() => deliveries === 1);
  const stolen = await connect().send(command);
  finish();
  await consumed;

  assert.equal(stolen.Messages, undefined);
  assert.equal(deliveries, 1);
});

test("a FIFO queue keeps the order", async () => {
  const queue = await create(unique(".fifo"), { FifoQueue: "true" });
  const handled = [];
  const message = (n) => ({
    id: `${n}`,
    body: `${n}`,
    groupId: "g",
    deduplicationId: `${n}`,
  });
  await produce(queue).send(Array.from({ length: 12 }, (_, n) => message(n)));

  await consume(
    queue,
    { suppressFifoWarning: true, handleMessage: async ({ Body }) => handled.push(Number(Body)) },
    async () => handled.length === 12 && (await isEmpty(queue)),
  );

  assert.deepEqual(handled, Array.from({ length: 12 }, (_, n) => n));
});
